-- Work for sqlite3: rows, an index, queries, a join and updates in one transaction each.
CREATE TABLE item (id INTEGER PRIMARY KEY, code TEXT, size INTEGER);
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000)
INSERT INTO item SELECT x, hex(x * 7919 % 65537), x * 31 % 1009 FROM n;
CREATE INDEX item_code ON item (code);
SELECT count(*), max(code), sum(size) FROM item WHERE code LIKE '3%';
UPDATE item SET size = size + length(code) WHERE id % 3 = 0;
SELECT size % 10 AS digit, count(*), avg(size) FROM item GROUP BY digit ORDER BY digit;
SELECT count(*) FROM item a JOIN item b ON b.code = hex((a.id * 7919 + 1) % 65537) WHERE a.id % 4 = 0;
DELETE FROM item WHERE code BETWEEN '31' AND '34';
SELECT count(*), total(size) FROM item;
