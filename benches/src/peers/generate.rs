//! Sources and texts that the tasks work on. They depend on nothing but the arguments, so
//! that every run of the comparison has the same.

use std::fmt::Write;

/// Pseudo-random numbers (a linear congruential generator with a permuted output).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 ^ (self.0 >> 29)) >> 16
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// About `bytes` of text: lines of words, the frequent ones more often.
pub(super) fn text(bytes: usize) -> String {
    let mut random = Random(1);
    let mut word = || -> String {
        let length = 2 + random.below(8);
        (0..length).map(|_| char::from(b"etaoinshrdlucmfwygpbvk"[usize_of(random.below(22))])).collect()
    };
    let vocabulary: Vec<String> = (0..4000).map(|_| word()).collect();
    let mut random = Random(2);
    let mut text = String::with_capacity(bytes + 128);
    while text.len() < bytes {
        for _ in 0..12 {
            // The product prefers small numbers.
            let rank = random.below(4000) * random.below(4000) / 4000;
            text.push_str(&vocabulary[usize_of(rank)]);
            text.push(' ');
        }
        text.pop();
        text.push('\n');
    }
    text
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A C function with a structure, loops, a switch, strings and floating point.
fn c_function(out: &mut String, random: &mut Random, name: &str) {
    let (a, b, c) = (random.below(90) + 3, random.below(900) + 10, random.below(6) + 2);
    let text = format!(
        r#"
struct {name}_state {{ int count; unsigned bits; double level; char label[24]; struct {name}_state *next; }};

static int {name}_step(struct {name}_state *s, int x)
{{
    switch ((x + {a}) % {c}) {{
    case 0: s->count += x; break;
    case 1: s->bits ^= (unsigned)x << {shift}; break;
    case 2: s->level = s->level * 0.5 + x; break;
    case 3: s->label[x & 15] = (char)('a' + (x & 7)); break;
    case 4: s->count -= s->bits & {b}; break;
    default: s->bits = s->bits >> 3 | s->bits << 29; break;
    }}
    return s->next && s->count > {b} ? {name}_step(s->next, x - 1) : s->count;
}}

long {name}(const int *values, int length)
{{
    struct {name}_state first = {{0, {a}u, 1.0, "{name}", 0}}, second = first;
    long total = 0;
    second.next = &first;
    for (int i = 0; i < length; i++) {{
        int v = values[i];
        for (int j = 0; j < {c}; j++) {{
            if (v & 1 << j)
                total += {name}_step(&second, v + j) * {a}L;
            else if (first.level > {b}.0)
                first.level /= 3.0;
            else
                total ^= (long)(v * j) << (j & 7);
        }}
        while (v > {b}) {{
            v /= {c};
            total += v % {a} ? first.count : second.count;
        }}
    }}
    for (const char *p = second.label; *p; p++)
        total = total * 31 + *p;
    return total + (long)(first.level * 100.0) + (long)second.bits;
}}
"#,
        shift = a % 20,
    );
    out.push_str(&text);
}

/// One large C file.
pub(super) fn large_c(functions: u32) -> String {
    let mut random = Random(3);
    let mut source = String::new();
    for n in 0..functions {
        c_function(&mut source, &mut random, &format!("work{n}"));
    }
    source
}

/// What the classes of the C++ file use.
const CC_TEMPLATES: &str = r#"
template <typename T> struct Vector {
    T *items = nullptr;
    long length = 0, room = 0;
    ~Vector() { delete[] items; }
    void add(const T &item) {
        if (length == room) {
            T *larger = new T[room = room * 2 + 4];
            for (long i = 0; i < length; i++) larger[i] = items[i];
            delete[] items;
            items = larger;
        }
        items[length++] = item;
    }
    T &at(long i) { if (i < 0 || i >= length) throw i; return items[i]; }
    template <typename F> void sort(F before) {
        for (long i = 1; i < length; i++)
            for (long j = i; j > 0 && before(items[j], items[j - 1]); j--) {
                T t = items[j]; items[j] = items[j - 1]; items[j - 1] = t;
            }
    }
    template <typename R, typename F> R fold(R start, F f) const {
        for (long i = 0; i < length; i++) start = f(start, items[i]);
        return start;
    }
};

template <int N> struct Power { static long of(long x) { return x * Power<N - 1>::of(x); } };
template <> struct Power<0> { static long of(long) { return 1; } };
"#;

/// One large C++ file: class templates, virtual functions, lambdas and exceptions. It
/// includes nothing, as the library's headers alone take longer than everything else.
pub(super) fn large_cc(classes: u32) -> String {
    let mut random = Random(4);
    let mut source = CC_TEMPLATES.to_owned();
    for n in 0..classes {
        let (a, b) = (random.below(60) + 4, random.below(30) + 2);
        let text = format!(
            r#"
struct Item{n} {{ long weight; double price; Item{n}(long w = 0) : weight(w), price(w * {a}.5) {{}} }};

class Shelf{n} {{
public:
    virtual ~Shelf{n}() = default;
    virtual long weigh(const Item{n} &item) const {{ return item.weight % {a} + Power<{power}>::of(item.weight); }}
    void put(long weight) {{ items.add(Item{n}(weight * {b})); }}
    double total() {{
        items.sort([](const Item{n} &x, const Item{n} &y) {{ return x.weight % {b} < y.weight % {b}; }});
        try {{
            if (weigh(items.at({a})) > {b}) return items.at({b}).price;
        }} catch (long index) {{
            return index;
        }}
        return items.fold(0.0, [this](double sum, const Item{n} &item) {{ return sum + weigh(item) / item.price; }});
    }}
private:
    Vector<Item{n}> items;
}};

class Light{n} : public Shelf{n} {{
    long weigh(const Item{n} &item) const override {{ return item.weight / {b} ^ {a}; }}
}};

double use{n}(int count) {{
    Shelf{n} shelf;
    Light{n} light;
    for (int i = 0; i < count; i++) (i % {a} ? shelf : light).put(i * {a}L % {b});
    return shelf.total() - light.total();
}}
"#,
            power = a % 9 + 3,
        );
        source.push_str(&text);
    }
    source
}

/// A C project as names and contents of files: a header, `files` modules, a main program and
/// a makefile.
pub(super) fn project(files: u32) -> Vec<(String, String)> {
    let mut random = Random(5);
    let (mut header, mut main) = ("#ifndef PROJECT_H\n#define PROJECT_H\n".to_owned(), String::new());
    main.push_str("#include <stdio.h>\n#include \"project.h\"\n\nint main(void)\n{\n    long total = 0;\n");
    main.push_str("    int values[] = {3, 1, 4, 1, 5, 9, 2, 6};\n");
    let mut project = Vec::new();
    let mut objects = String::new();
    for n in 0..files {
        let (a, b) = (random.below(90) + 3, random.below(6) + 2);
        let source = format!(
            "#include <string.h>\n#include \"project.h\"\n\nlong module{n}(const int *values, int length)\n{{\n\
             \x20   char text[16] = \"module{n}\";\n    long total = (long)strlen(text);\n\
             \x20   for (int i = 0; i < length; i++)\n\
             \x20       total = values[i] % {b} ? total * {a} + values[i] : total ^ (long)text[i & 7] << {b};\n\
             \x20   return total;\n}}\n"
        );
        // Writing to a String cannot fail.
        let _ = writeln!(header, "long module{n}(const int *values, int length);");
        let _ = writeln!(main, "    total += module{n}(values, 8);");
        let _ = write!(objects, " module{n}.o");
        project.push((format!("module{n}.c"), source));
    }
    header.push_str("#endif\n");
    main.push_str("    printf(\"%ld\\n\", total);\n    return 0;\n}\n");
    let makefile = format!(
        "CFLAGS = -O1\nOBJECTS = main.o{objects}\n\nprogram: $(OBJECTS)\n\t$(CC) -o $@ $(OBJECTS)\n\n\
         $(OBJECTS): project.h\n"
    );
    project.extend([("project.h".to_owned(), header), ("main.c".to_owned(), main), ("Makefile".to_owned(), makefile)]);
    project
}

/// A Rust crate as names and contents of files.
pub(super) fn crate_files(modules: u32) -> Vec<(String, String)> {
    let manifest = "[package]\nname = \"peers\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n".to_owned();
    let mut main = String::new();
    let mut sum = String::new();
    let mut files = vec![("Cargo.toml".to_owned(), manifest)];
    for n in 0..modules {
        let _ = writeln!(main, "mod part{n};");
        let _ = writeln!(sum, "    total += part{n}::run({n});");
        files.push((format!("src/part{n}.rs"), rust_module(n)));
    }
    let _ = write!(main, "\nfn main() {{\n    let mut total = 0;\n{sum}    println!(\"{{total}}\");\n}}\n");
    files.push(("src/main.rs".to_owned(), main));
    files
}

fn rust_module(n: u32) -> String {
    format!(
        r#"pub enum Shape {{
    Point,
    Line {{ length: u64 }},
    Square(u64, u64),
}}

impl Shape {{
    fn weight(&self) -> u64 {{
        match self {{
            Self::Point => 1,
            Self::Line {{ length }} => length * {factor},
            Self::Square(a, b) => a * b + {n},
        }}
    }}
}}

fn shape(n: u64) -> Result<Shape, &'static str> {{
    match n % 4 {{
        0 => Ok(Shape::Point),
        1 => Ok(Shape::Line {{ length: n * 7 }}),
        2 => Ok(Shape::Square(n, {factor})),
        _ => Err("no shape"),
    }}
}}

pub fn run(seed: u64) -> u64 {{
    let shapes: Vec<Shape> = (0..{count}).filter_map(|n| shape(n + seed).ok()).collect();
    let mut weights: Vec<u64> = shapes.iter().map(Shape::weight).collect();
    weights.sort_unstable_by(|a, b| b.cmp(a));
    weights.iter().step_by(3).zip(1..).map(|(weight, rank)| weight / rank).sum()
}}
"#,
        factor = n * 5 + 3,
        count = 50 + n * 3,
    )
}

/// A Debian package with `files` files, as names and contents below its root.
pub(super) fn package(name: &str, files: u32) -> Vec<(String, String)> {
    let mut random = Random(u64::from(files) + name.len() as u64);
    let words = text(6000);
    let control = format!(
        "Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\n\
         Description: files for a comparison\n"
    );
    // What maintainer scripts do: look at files, edit one, make folders and links.
    let script = format!(
        "#!/bin/sh\nset -e\nmkdir -p /var/lib/peers /etc/peers.d\nif [ \"$1\" = configure ]; then\n\
         \x20   for file in /usr/share/{name}/part?; do\n\
         \x20       grep -c tion \"$file/notes0\" | sed 's/$/ found/' >>/etc/peers.d/{name}.conf || true\n\
         \x20       ln -sf \"$file\" /etc/peers.d/$(basename \"$file\")\n    done\n\
         \x20   echo {name} >>/var/lib/peers/configured\nfi\n"
    );
    let mut all = vec![("DEBIAN/control".to_owned(), control), ("DEBIAN/postinst".to_owned(), script)];
    for n in 0..files {
        let start = usize_of(random.below(3000));
        all.push((format!("usr/share/{name}/part{}/notes{n}", n % 8), words[start..start + 2900].to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_lines_of_words_and_about_the_length() {
        let text = text(10_000);
        assert!((10_000..10_200).contains(&text.len()), "{}", text.len());
        assert!(text.lines().all(|line| line.split(' ').count() == 12));
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || b" \n".contains(&byte)));
    }

    #[test]
    fn functions_differ() {
        let source = large_c(3);
        let body = |n: usize| source.split("_step(struct").nth(n).map(|part| part.replace(char::is_numeric, ""));
        assert!(body(1).is_some() && source.contains("long work2("));
        assert_ne!(source.split("switch").nth(1), source.split("switch").nth(2));
    }

    #[test]
    fn a_project_names_each_module_everywhere() {
        let project = project(3);
        let content = |name: &str| {
            let file = project.iter().find(|(file, _)| file == name);
            file.unwrap_or_else(|| panic!("{name} is missing")).1.clone()
        };
        assert!(content("Makefile").contains("module2.o"));
        assert!(content("project.h").contains("module2("));
        assert!(content("main.c").contains("module2("));
        assert!(content("module2.c").contains("long module2("));
    }

    #[test]
    fn a_package_has_the_files_that_dpkg_needs() {
        let package = package("peers-a", 20);
        assert_eq!(package.len(), 22);
        assert!(package[0].1.starts_with("Package: peers-a\n") && package[0].1.ends_with('\n'));
    }
}
