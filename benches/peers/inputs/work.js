// Work for node: objects, closures, maps, JSON, regular expressions and typed arrays.
'use strict';

function* words(count) {
  let state = 12345;
  for (let n = 0; n < count; n++) {
    let word = '';
    for (let i = 0; i < 3 + n % 6; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      word += String.fromCharCode(97 + (state >>> 16) % 26);
    }
    yield word;
  }
}

class Node {
  constructor(key) { this.key = key; this.left = null; this.right = null; this.count = 1; }
  insert(key) {
    if (key === this.key) { this.count++; return; }
    const side = key < this.key ? 'left' : 'right';
    if (this[side]) this[side].insert(key); else this[side] = new Node(key);
  }
  walk(visit) { this.left?.walk(visit); visit(this); this.right?.walk(visit); }
}

const counts = new Map();
const tree = new Node('m');
for (const word of words(40000)) {
  counts.set(word, (counts.get(word) ?? 0) + 1);
  tree.insert(word.slice(0, 4));
}
const entries = [...counts].map(([word, count]) => ({ word, count, vowels: word.replace(/[^aeiou]/g, '').length }));
const text = JSON.stringify(entries);
const back = JSON.parse(text).filter((entry) => entry.vowels > 1).sort((a, b) => (a.word < b.word ? -1 : 1));
let depth = 0;
tree.walk((node) => { depth += node.count * node.key.length; });
const numbers = new Float64Array(100000).map((_, n) => (n * 7919) % 10007);
numbers.sort();
let sum = 0;
for (let n = 0; n < numbers.length; n += 10) sum += Math.floor(Math.sqrt(numbers[n]) * 1000);
console.log(counts.size, text.length, back.length, back[0].word, depth, sum);
