//! Values on their way in and out that neither pyo3 nor the core knows how to carry.

use std::{collections::HashMap, convert::Infallible, marker::PhantomData, path::PathBuf, str::FromStr};

use chrono::{DateTime, Utc};
use itsm_adapter::{Condition, Operator, Query, Secret, ffi};
use pyo3::{
    inspect::{PyStaticConstant, PyStaticExpr},
    prelude::*,
    sync::PyOnceLock,
    type_hint_identifier, type_hint_subscript, type_hint_union,
    types::{PyDateTime, PyDict, PyList, PyNone, PyString},
};
use serde_json::value::RawValue;

use crate::{
    error::{invalid, raise},
    exit::Inside,
    rows::Rows,
};

const ANY: PyStaticExpr = type_hint_identifier!("typing", "Any");
const STR: PyStaticExpr = type_hint_identifier!("builtins", "str");
const DICT: PyStaticExpr = type_hint_identifier!("builtins", "dict");
const LIST: PyStaticExpr = type_hint_identifier!("builtins", "list");
const RECORD: PyStaticExpr = type_hint_subscript!(DICT, STR, STR);
const RECORDS: PyStaticExpr = type_hint_subscript!(LIST, RECORD);
const GIVEN_RECORD: PyStaticExpr = type_hint_subscript!(DICT, STR, ANY);
const GIVEN_RECORDS: PyStaticExpr = type_hint_subscript!(LIST, GIVEN_RECORD);

/// How Python's values come in: `Type: hint => |given| result;`.
macro_rules! goes_in {
    ($($name:ident: $hint:expr => |$given:ident| $taken:expr;)+) => { $(
        impl<'a, 'py> FromPyObject<'a, 'py> for $name {
            type Error = PyErr;
            const INPUT_TYPE: pyo3::inspect::PyStaticExpr = $hint;

            fn extract($given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
                $taken
            }
        }
    )+ };
}
pub(crate) use goes_in;

/// How values become Python's: `Type: hint => |self, py| result;`.
macro_rules! comes_out {
    ($($name:ident: $hint:expr => |$self:ident, $py:ident| $made:expr;)+) => { $(
        impl<'py> IntoPyObject<'py> for $name {
            type Target = PyAny;
            type Output = Bound<'py, PyAny>;
            type Error = PyErr;
            const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = $hint;

            fn into_pyobject($self, $py: Python<'py>) -> PyResult<Self::Output> {
                $made
            }
        }
    )+ };
}

/// What the core takes in place of an argument.
pub(crate) trait Plain {
    type Plain;

    fn plain(self) -> Self::Plain;
}

/// What stands for what: `Type => Plain: |self| plain;`.
macro_rules! plain {
    ($($given:ty => $plain:ty: |$self:ident| $made:expr;)+) => { $(
        impl Plain for $given {
            type Plain = $plain;

            fn plain($self) -> Self::Plain {
                $made
            }
        }
    )+ };
}
pub(crate) use plain;

plain! {
    bool => Self: |self| self;
    u32 => Self: |self| self;
    String => Self: |self| self;
    Secret => Self: |self| self;
    HashMap<String, String> => Self: |self| self;
    Instant => DateTime<Utc>: |self| self.0;
    Place => String: |self| self.0;
    Document => String: |self| self.0;
}

impl<T: Plain> Plain for Option<T> {
    type Plain = Option<T::Plain>;

    fn plain(self) -> Self::Plain {
        self.map(T::plain)
    }
}

impl<T: Plain> Plain for Sequence<T> {
    type Plain = Vec<T::Plain>;

    fn plain(self) -> Self::Plain {
        self.0.into_iter().map(T::plain).collect()
    }
}

impl<T> Plain for Word<T> {
    type Plain = T;

    fn plain(self) -> T {
        self.0
    }
}

/// An enum given as its member or as its word.
#[derive(Clone, Copy, IntoPyObject)]
pub(crate) struct Word<T>(pub(crate) T);

impl<'a, 'py, T: FromPyObject<'a, 'py> + FromStr<Err = itsm_adapter::Error>> FromPyObject<'a, 'py> for Word<T> {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(T::INPUT_TYPE, STR);

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match given.cast::<PyString>() {
            Ok(word) => word.to_str()?.parse().map(Self).map_err(raise),
            Err(_) => given.extract().map(Self).map_err(Into::into),
        }
    }
}

/// Conditions, each a column, an operator and a value.
pub(crate) type Conditions = Sequence<(String, Word<Operator>, String)>;

pub(crate) fn conditions(given: Option<Conditions>) -> itsm_adapter::Result<Query> {
    let condition = |(field, Word(operator), value)| Condition { field, operator, value };
    Query::of(&given.into_iter().flat_map(|given| given.0).map(condition).collect::<Vec<_>>())
}

/// A list, or another sequence, but not a text. On its way out a list that is typed by what it can do: the name `list`
/// is that of a method in some of the classes.
pub(crate) struct Sequence<T>(pub(crate) Vec<T>);

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for Sequence<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    const OUTPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Sequence"), T::OUTPUT_TYPE);

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        self.0.into_pyobject(py)
    }
}

impl<'a, 'py, T: pyo3::conversion::FromPyObjectOwned<'py>> FromPyObject<'a, 'py> for Sequence<T> {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Sequence"), T::INPUT_TYPE);

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        given.extract().map(Self)
    }
}

/// Columns; none given: all.
pub(crate) type Names = Option<Sequence<String>>;

pub(crate) fn names(given: &Names) -> Vec<&str> {
    ffi::names(given.iter().map(|names| &names.0))
}

/// An instant in any time zone; without one it is local time, as everywhere in Python.
pub(crate) struct Instant(DateTime<Utc>);

/// The path of a store.
pub(crate) struct Place(String);

/// A record: a dict, or JSON text that is passed on as it is.
pub(crate) struct RecordIn(pub(crate) Box<RawValue>);

/// Records: a list of dicts, or the JSON text of one.
pub(crate) struct RecordsIn(pub(crate) Vec<Box<RawValue>>);

/// A document: a dict, or the JSON text of one.
pub(crate) struct Document(pub(crate) String);

goes_in! {
    Instant: DateTime::<Utc>::INPUT_TYPE => |given| {
        given.cast::<PyDateTime>()?.call_method1("astimezone", (Utc,))?.extract().map(Self)
    };
    Place: PathBuf::INPUT_TYPE => |given| {
        let path = given.extract::<PathBuf>()?.into_os_string().into_string();
        path.map(Self).map_err(|_| invalid("The path of the store is not UTF-8.".to_owned()))
    };
    RecordIn: type_hint_union!(GIVEN_RECORD, STR) => |given| {
        ffi::records(text_of::<PyDict>(given)?.to_str()?).map(Self).map_err(raise)
    };
    RecordsIn: type_hint_union!(GIVEN_RECORDS, STR) => |given| {
        ffi::records(text_of::<PyList>(given)?.to_str()?).map(Self).map_err(raise)
    };
    Document: type_hint_union!(GIVEN_RECORD, STR) => |given| text_of::<PyDict>(given)?.extract().map(Self);
}

/// The JSON text of a host's value of this type; text is taken as JSON already.
fn text_of<'py, T: pyo3::PyTypeCheck>(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(text.to_owned());
    }
    let _inside = Inside::python(given.py());
    Ok(DUMPS.import(given.py(), "json", "dumps")?.call1((given.cast::<T>()?,))?.cast_into()?)
}

/// None, also where the stub is written and in a coroutine.
pub(crate) struct Nothing(pub(crate) ());

impl<'py> IntoPyObject<'py> for Nothing {
    type Target = PyNone;
    type Output = Borrowed<'py, 'py, PyNone>;
    type Error = Infallible;
    const OUTPUT_TYPE: PyStaticExpr = PyStaticExpr::Constant { value: PyStaticConstant::None };

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(PyNone::get(py))
    }
}

/// A record, or records, as they came.
pub(crate) struct RecordOut(pub(crate) Box<RawValue>);
pub(crate) struct RecordsOut(String);
/// How each record of many went.
pub(crate) struct InsertedOut(pub(crate) Vec<itsm_adapter::Result<Box<RawValue>>>);

/// Records found, read in one go.
pub(crate) fn list(records: &[Box<RawValue>]) -> RecordsOut {
    RecordsOut(ffi::list(records))
}

comes_out! {
    RecordOut: RECORD => |self, py| Rows::new(py).read(self.0.get());
    RecordsOut: RECORDS => |self, py| Rows::new(py).read(&self.0);
    InsertedOut: type_hint_subscript!(
        LIST, type_hint_union!(RECORD, type_hint_identifier!("itsm_adapter.errors", "ItsmError"))
    ) => |self, py| {
        let (rows, all) = (Rows::new(py), PyList::empty(py));
        for one in self.0 {
            match one {
                Ok(record) => all.append(rows.read(record.get())?)?,
                Err(error) => all.append(raise(error).into_value(py))?,
            }
        }
        Ok(all.into_any())
    };
}

/// One page of a walk over records.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct RecordPage {
    /// The page as JSON text, as the instance sent it.
    #[pyo3(get)]
    json: String,
    /// Give it to the next call as `after`; only the last page, an empty one, has none.
    #[pyo3(get)]
    next: Option<String>,
    parsed: PyOnceLock<Py<PyAny>>,
}

#[pymethods]
impl RecordPage {
    /// The records of this page, parsed when first asked for.
    #[getter]
    fn items(&self, py: Python<'_>) -> PyResult<Records> {
        let items = self.parsed.get_or_try_init(py, || Rows::new(py).read(&self.json).map(Bound::unbind))?;
        Ok(items.bind(py).clone().into())
    }

    fn __repr__(&self) -> String {
        format!("RecordPage(json={} bytes, next={:?})", self.json.len(), self.next)
    }
}

impl From<itsm_adapter::JsonPage> for RecordPage {
    fn from(page: itsm_adapter::JsonPage) -> Self {
        Self { json: ffi::text(page.json), next: page.next, parsed: PyOnceLock::new() }
    }
}

/// Host values whose type only the stub needs to know.
macro_rules! typed {
    ($($name:ident $(<$item:ident>)? = $hint:expr;)+) => { $(
        pub(crate) struct $name $(<$item>)?(Py<PyAny>, PhantomData<fn() -> ($($item,)?)>);

        impl $(<$item>)? From<Bound<'_, PyAny>> for $name $(<$item>)? {
            fn from(value: Bound<'_, PyAny>) -> Self {
                Self(value.unbind(), PhantomData)
            }
        }

        impl<'py $(, $item: for<'a> IntoPyObject<'a>)?> IntoPyObject<'py> for $name $(<$item>)? {
            type Target = PyAny;
            type Output = Bound<'py, PyAny>;
            type Error = Infallible;
            const OUTPUT_TYPE: PyStaticExpr = $hint;

            fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
                Ok(self.0.into_bound(py))
            }
        }
    )+ };
}
typed! {
    Records = RECORDS;
    Walk<T> = type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterator"), <T as IntoPyObject<'static>>::OUTPUT_TYPE);
    AsyncWalk<T> = type_hint_subscript!(type_hint_identifier!("collections.abc", "AsyncIterator"), <T as IntoPyObject<'static>>::OUTPUT_TYPE);
    Coroutine<T> = type_hint_subscript!(type_hint_identifier!("collections.abc", "Coroutine"), ANY, ANY, <T as IntoPyObject<'static>>::OUTPUT_TYPE);
}
