//! Modules of a crate and their references, parsed from the sources with `syn`.
//!
//! A module is a file with its inline modules. Code under `#[cfg(test)]` does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, ItemMod, UseTree};

/// Path of a module from the root of its crate, which is empty.
pub(crate) type ModulePath = Vec<String>;

/// Imports and references of a file.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Imported names with the paths that they stand for.
    imports: BTreeMap<String, Vec<String>>,
    /// Paths that begin with `crate`, `self` or `super`.
    references: BTreeSet<Vec<String>>,
}

/// All modules of a crate.
#[derive(Debug, Default)]
pub(crate) struct Crate(BTreeMap<ModulePath, Module>);

impl Crate {
    /// Reads the crate whose root is this file.
    pub(crate) fn read(root: &Path) -> Self {
        let mut modules = Self::default();
        let folder = root.parent().expect("a file is in a folder").to_owned();
        modules.read_file(Vec::new(), root, &folder);
        modules
    }

    /// Reads a module and those that it declares, which are in `folder`.
    fn read_file(&mut self, path: ModulePath, file: &Path, folder: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut children = Vec::new();
        let module = Module::of(&parsed.items, &mut children);
        self.0.insert(path.clone(), module);
        for Child { name, file } in children {
            let (file, inner) = file_of(folder, &name, file.as_deref());
            let mut path = path.clone();
            path.push(name);
            self.read_file(path, &file, &inner);
        }
    }

    /// A crate of one level whose modules have these texts, for tests of the checks.
    pub(crate) fn of_texts(texts: &[(&[&str], &str)]) -> Self {
        let module = |text: &str| {
            let parsed = syn::parse_file(text).expect("the text is Rust");
            Module::of(&parsed.items, &mut Vec::new())
        };
        let path = |path: &[&str]| path.iter().map(|name| (*name).to_owned()).collect();
        Self(texts.iter().map(|(name, text)| (path(name), module(text))).collect())
    }

    /// References between modules, as pairs of module paths.
    pub(crate) fn references(&self) -> impl Iterator<Item = (&ModulePath, ModulePath)> {
        let of_module = move |(from, module): (_, &'_ Module)| {
            let resolved = module.references.iter().map(|to| (from, self.resolve(from, to, 0)));
            resolved.collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_module)
    }

    /// The module that declares what `path`, written in module `at`, names. Follows
    /// imports.
    fn resolve(&self, at: &ModulePath, path: &[String], depth: u32) -> ModulePath {
        let mut found = at.clone();
        for (index, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" => found.clear(),
                "self" => {}
                "super" => {
                    found.pop();
                }
                _ => {
                    let mut child = found.clone();
                    child.push(name.clone());
                    if self.0.contains_key(&child) {
                        found = child;
                        continue;
                    }
                    let import = self.0.get(&found).and_then(|module| module.imports.get(name));
                    return match import.filter(|_| depth < 8) {
                        Some(import) => {
                            let whole = [import.as_slice(), &path[index + 1..]].concat();
                            self.resolve(&found, &whole, depth + 1)
                        }
                        None => found,
                    };
                }
            }
        }
        found
    }
}

/// A module in a file of its own.
#[derive(Debug)]
struct Child {
    name: String,
    /// Value of the `#[path]` attribute.
    file: Option<String>,
}

/// File of the module `name` of `folder`, and the directory of its own modules.
fn file_of(folder: &Path, name: &str, said: Option<&str>) -> (PathBuf, PathBuf) {
    if let Some(file) = said.map(|said| folder.join(said)) {
        let inner = file.parent().expect("a file is in a folder").to_owned();
        return (file, inner);
    }
    let inner = folder.join(name);
    let beside = folder.join(format!("{name}.rs"));
    if beside.is_file() { (beside, inner) } else { (inner.join("mod.rs"), inner) }
}

impl Module {
    /// Imports and references of these items; adds modules in their own files to
    /// `children`.
    fn of(items: &[Item], children: &mut Vec<Child>) -> Self {
        let mut module = Self::default();
        module.add(items, children);
        module
    }

    fn add(&mut self, items: &[Item], children: &mut Vec<Child>) {
        for item in items {
            match item {
                Item::Mod(ItemMod { attrs, ident, content, .. }) if !is_for_tests(attrs) => match content {
                    Some((_, items)) => self.add(items, children),
                    None => children.push(Child { name: ident.to_string(), file: path_attribute(attrs) }),
                },
                Item::Mod(_) => {}
                Item::Use(import) if is_for_tests(&import.attrs) => {}
                Item::Use(import) => self.add_use(Vec::new(), &import.tree),
                item => self.add_tokens(item),
            }
        }
    }

    fn add_use(&mut self, mut path: Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.add_use(path, &step.tree);
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                let local = if name.ident == "self" { path.len() - 2 } else { path.len() - 1 };
                self.add_import(path[local].clone(), path);
            }
            UseTree::Rename(name) => {
                path.push(name.ident.to_string());
                self.add_import(name.rename.to_string(), path);
            }
            UseTree::Glob(_) => self.add_reference(path),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(path.clone(), tree)),
        }
    }

    fn add_import(&mut self, name: String, path: Vec<String>) {
        self.add_reference(path.clone());
        self.imports.insert(name, path);
    }

    fn add_reference(&mut self, path: Vec<String>) {
        if path.first().is_some_and(|first| is_relative(first)) {
            self.references.insert(path);
        }
    }

    fn add_tokens(&mut self, item: &Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            self.scan(item.to_token_stream());
        }
    }

    /// Adds the relative paths among these tokens, at any depth.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    if colons != 2 || path.is_empty() {
                        self.add_reference(std::mem::take(&mut path));
                    }
                    if !path.is_empty() || is_relative(&name) {
                        path.push(name);
                    }
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.add_reference(std::mem::take(&mut path));
                    self.scan(group.stream());
                    colons = 0;
                }
                _ => {
                    self.add_reference(std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.add_reference(path);
    }
}

fn is_relative(name: &str) -> bool {
    ["crate", "self", "super"].contains(&name)
}

/// Value of a `#[path]` attribute. Of modules with the same name that exclude each other by
/// `cfg`, the last counts.
fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    let tokens = attribute.to_token_stream().to_string();
    tokens.split('"').nth(1).map(str::to_owned)
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let of_tests = |attribute: &Attribute| {
        attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
    };
    attributes.iter().any(of_tests)
}
