//! Records as Python's own values. What the Table API sends, objects of texts, is read here: a column's name is made
//! once, not once for each row. Everything else is read by Python.

use std::{cell::RefCell, fmt};

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyList, PyString},
};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use crate::exit::Inside;

/// More names than any table has columns: beyond them each is made anew.
const MOST_NAMES: usize = 1024;

/// Reads records; those that are read by the same one share the names of their columns.
pub(crate) struct Rows<'py> {
    py: Python<'py>,
    names: RefCell<Vec<(Box<str>, Bound<'py, PyString>)>>,
}

impl<'py> Rows<'py> {
    pub(crate) fn new(py: Python<'py>) -> Self {
        Self { py, names: RefCell::default() }
    }

    /// A record, or a list of them.
    pub(crate) fn read(&self, json: &str) -> PyResult<Bound<'py, PyAny>> {
        let mut reader = serde_json::Deserializer::from_str(json);
        match self.deserialize(&mut reader).and_then(|read| reader.end().map(|()| read)) {
            Ok(read) => Ok(read),
            Err(_) => {
                static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                let _inside = Inside::python(self.py);
                LOADS.import(self.py, "json", "loads")?.call1((json,))
            }
        }
    }

    /// The name of a column, which is looked for at the place where the row before had it. The place after it.
    fn name(&self, name: &str, at: &mut usize) -> Bound<'py, PyString> {
        let mut names = self.names.borrow_mut();
        let is = |known: &(Box<str>, Bound<'py, PyString>)| *known.0 == *name;
        let found = if names.get(*at).is_some_and(is) { Some(*at) } else { names.iter().position(is) };
        if let Some(found) = found {
            *at = found + 1;
            return names[found].1.clone();
        }
        let made = PyString::new(self.py, name);
        if names.len() < MOST_NAMES {
            names.push((name.into(), made.clone()));
            *at = names.len();
        }
        made
    }
}

impl<'de, 'py> DeserializeSeed<'de> for &Rows<'py> {
    type Value = Bound<'py, PyAny>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, 'py> Visitor<'de> for &Rows<'py> {
    type Value = Bound<'py, PyAny>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
        let list = PyList::empty(self.py);
        while let Some(row) = rows.next_element_seed(self)? {
            list.append(row).map_err(A::Error::custom)?;
        }
        Ok(list.into_any())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut columns: A) -> Result<Self::Value, A::Error> {
        let (dict, mut at) = (PyDict::new(self.py), 0);
        while let Some(name) = columns.next_key_seed(Text(|name: &str| self.name(name, &mut at)))? {
            let value = columns.next_value_seed(Text(|text: &str| PyString::new(self.py, text)))?;
            dict.set_item(name, value).map_err(A::Error::custom)?;
        }
        Ok(dict.into_any())
    }
}

/// A text, for as long as it is looked at.
struct Text<F>(F);

impl<'de, R, F: FnOnce(&str) -> R> DeserializeSeed<'de> for Text<F> {
    type Value = R;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<R, D::Error> {
        from.deserialize_str(self)
    }
}

impl<R, F: FnOnce(&str) -> R> Visitor<'_> for Text<F> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<R, E> {
        Ok((self.0)(text))
    }
}
