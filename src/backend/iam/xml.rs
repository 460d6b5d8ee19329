//! XML answers as a tree of local names: stores differ in namespaces, order and depth, so elements are asked for by name.

use quick_xml::{Reader, events::Event};
use zeroize::Zeroizing;

/// Deepest nesting that is read; answers of IAM have seven levels.
const MAX_DEPTH: usize = 16;

/// One element. Its text may be a secret: it is wiped when dropped, and there is no `Debug`.
#[derive(Default)]
pub(super) struct Element {
    name: String,
    text: Zeroizing<String>,
    children: Vec<Self>,
}

impl Element {
    /// The root of a document, if the whole of it is one well-formed document.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::from_str(std::str::from_utf8(bytes).ok()?);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        loop {
            let closed = match reader.read_event().ok()? {
                Event::Start(tag) if open.len() < MAX_DEPTH => {
                    open.push(Self::named(tag.local_name().as_ref()));
                    None
                }
                Event::Empty(tag) => Some(Self::named(tag.local_name().as_ref())),
                Event::End(_) => Some(open.pop()?),
                Event::Text(text) => {
                    add_text(&mut open, &text)?;
                    None
                }
                Event::CData(text) => {
                    add_text(&mut open, &text)?;
                    None
                }
                Event::GeneralRef(reference) => {
                    let text = match reference.resolve_char_ref().ok()? {
                        Some(character) => character.to_string(),
                        None => quick_xml::escape::resolve_predefined_entity(&reference)?.to_owned(),
                    };
                    add_text(&mut open, &text)?;
                    None
                }
                Event::Eof => return root.filter(|_| open.is_empty()),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => None,
                // Too deep, or with a document type, as pages for people have it.
                Event::Start(_) | Event::DocType(_) => return None,
            };
            match (closed, open.last_mut()) {
                (None, _) => {}
                (Some(element), Some(parent)) => parent.children.push(element),
                (Some(element), None) if root.is_none() => root = Some(element),
                (Some(_), None) => return None,
            }
        }
    }

    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Its name without a namespace.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of its first child of this name, without blanks around it.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        Some(self.child(name)?.text())
    }

    /// Its own text, without blanks around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// Its children of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element of this name at or below it that has a child of the other name.
    pub(super) fn find_with(&self, name: &str, child: &str) -> Option<&Self> {
        if self.name == name && self.child(child).is_some() {
            return Some(self);
        }
        self.children
            .iter()
            .find_map(|below| below.find_with(name, child))
    }
}

/// Text outside of the root may be blank, and nothing else.
fn add_text(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Element> {
        Element::parse(text.as_bytes())
    }

    #[test]
    fn elements_are_found_by_local_name() {
        let root = parse(
            r#"<?xml version="1.0"?><n:A xmlns:n="x"><B>1</B><n:B> a&amp;&#98; </n:B><C/><D><B><![CDATA[<]]></B></D></n:A>"#,
        );
        let root = root.unwrap();
        assert_eq!(root.name(), "A");
        let texts: Vec<_> = root.all("B").map(Element::text).collect();
        assert_eq!(texts, ["1", "a&b"]);
        assert_eq!(root.text_of("C"), Some(""));
        assert_eq!(root.find_with("D", "B").unwrap().text_of("B"), Some("<"));
        assert!(root.find_with("D", "X").is_none());
    }

    #[test]
    fn what_is_not_one_whole_document_is_none() {
        let deep = format!("{}{}", "<a>".repeat(17), "</a>".repeat(17));
        for text in [
            "",
            "text",
            r#"{"a":1}"#,
            "<a>",
            "<a><b></a>",
            "<a/><b/>",
            "<a/>text",
            "<a>&unknown;</a>",
            "<!DOCTYPE html><html></html>",
            &deep,
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(Element::parse(b"<a>\xff</a>").is_none());
    }
}
