//! Values on their way in and out that neither pyo3 nor the core knows how to carry.

use std::{convert::Infallible, marker::PhantomData};

use chrono::{DateTime, Utc};
use itsm_adapter::{Condition, Operator, Query, ffi};
use pyo3::{
    inspect::{PyStaticConstant, PyStaticExpr},
    prelude::*,
    sync::PyOnceLock,
    type_hint_identifier, type_hint_subscript, type_hint_union,
    types::{PyDateTime, PyDict, PyList, PyNone, PyString},
};
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use serde_json::value::RawValue;

use crate::{
    error::{invalid, raise},
    exit::Inside,
};

const ANY: PyStaticExpr = type_hint_identifier!("typing", "Any");
const STR: PyStaticExpr = type_hint_identifier!("builtins", "str");
const DICT: PyStaticExpr = type_hint_identifier!("builtins", "dict");
const RECORD: PyStaticExpr = type_hint_subscript!(DICT, STR, STR);
const GIVEN_RECORD: PyStaticExpr = type_hint_subscript!(DICT, STR, ANY);

/// An enum given as its member or as its word.
#[derive(Clone, Copy, IntoPyObject)]
pub(crate) struct Word<T>(pub(crate) T);

impl<'a, 'py, T: FromPyObject<'a, 'py> + DeserializeOwned> FromPyObject<'a, 'py> for Word<T> {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(T::INPUT_TYPE, STR);

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match given.cast::<PyString>() {
            Ok(word) => T::deserialize(word.to_str()?.into_deserializer())
                .map(Self)
                .map_err(|error: value::Error| invalid(format!("There is an {error}."))),
            Err(_) => given.extract().map(Self).map_err(Into::into),
        }
    }
}

/// An instant in any time zone; without one it is local time, as everywhere in Python.
pub(crate) struct Instant(pub(crate) DateTime<Utc>);

impl<'a, 'py> FromPyObject<'a, 'py> for Instant {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = DateTime::<Utc>::INPUT_TYPE;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let given = given.cast::<PyDateTime>()?;
        given.call_method1("astimezone", (Utc,))?.extract().map(Self)
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

impl<T> Sequence<T> {
    pub(crate) fn vec(given: Option<Self>) -> Option<Vec<T>> {
        given.map(|given| given.0)
    }
}

/// Columns; none given: all.
pub(crate) type Names = Option<Sequence<String>>;

pub(crate) fn names(given: &Names) -> Vec<&str> {
    ffi::names(given.iter().map(|names| &names.0))
}

/// A record on its way in: a dict, or JSON text that is passed on as it is.
pub(crate) struct RecordIn(pub(crate) Box<RawValue>);

impl<'a, 'py> FromPyObject<'a, 'py> for RecordIn {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(GIVEN_RECORD, STR);

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        ffi::records(&text_of::<PyDict>(given)?).map(Self).map_err(raise)
    }
}

/// Records on their way in: a list of dicts, or the JSON text of one.
pub(crate) struct RecordsIn(pub(crate) Vec<Box<RawValue>>);

impl<'a, 'py> FromPyObject<'a, 'py> for RecordsIn {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr =
        type_hint_union!(type_hint_subscript!(type_hint_identifier!("builtins", "list"), GIVEN_RECORD), STR);

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        ffi::records(&text_of::<PyList>(given)?).map(Self).map_err(raise)
    }
}

/// A document: a dict, or the JSON text of one.
pub(crate) struct Document(pub(crate) String);

impl<'a, 'py> FromPyObject<'a, 'py> for Document {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(GIVEN_RECORD, STR);

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        text_of::<PyDict>(given).map(Self)
    }
}

/// The JSON text of a host's value of this type; text is taken as JSON already.
fn text_of<T: pyo3::PyTypeCheck>(given: Borrowed<'_, '_, PyAny>) -> PyResult<String> {
    match given.cast::<PyString>() {
        Ok(text) => text.extract(),
        Err(_) => {
            let _inside = Inside::python(given.py());
            given.py().import("json")?.call_method1("dumps", (given.cast::<T>()?,))?.extract()
        }
    }
}

/// JSON text as the host's own values.
fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let _inside = Inside::python(py);
    LOADS.import(py, "json", "loads")?.call1((text,))
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

/// A record on its way out, parsed by Python.
pub(crate) struct RecordOut(pub(crate) Box<RawValue>);

impl<'py> IntoPyObject<'py> for RecordOut {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    const OUTPUT_TYPE: PyStaticExpr = RECORD;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        loads(py, self.0.get())
    }
}

/// How one record of many went.
pub(crate) struct Inserted(pub(crate) itsm_adapter::Result<Box<RawValue>>);

impl<'py> IntoPyObject<'py> for Inserted {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    const OUTPUT_TYPE: PyStaticExpr =
        type_hint_union!(RECORD, type_hint_identifier!("itsm_adapter.errors", "ItsmError"));

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self.0 {
            Ok(record) => loads(py, record.get()),
            Err(error) => Ok(raise(error).into_value(py).into_bound(py).into_any()),
        }
    }
}

/// One page of a walk over records.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct RecordPage {
    /// The page as JSON text, as the instance sent it.
    #[pyo3(get)]
    json: String,
    /// Give it to the next call as `after`; none after the last page.
    #[pyo3(get)]
    next: Option<String>,
    parsed: PyOnceLock<Py<PyAny>>,
}

#[pymethods]
impl RecordPage {
    /// The records of this page, parsed when first asked for.
    #[getter]
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Typed<'py, Records>> {
        let items = self.parsed.get_or_try_init(py, || loads(py, &self.json).map(Bound::unbind))?;
        Ok(typed(items.bind(py).clone()))
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

/// A host value whose type only the stub needs to know.
pub(crate) struct Typed<'py, H>(Bound<'py, PyAny>, PhantomData<H>);

pub(crate) fn typed<H>(value: Bound<'_, PyAny>) -> Typed<'_, H> {
    Typed(value, PhantomData)
}

/// What a [`Typed`] is in the stub.
pub(crate) trait Hint {
    const HINT: PyStaticExpr;
}

impl<'py, H: Hint> IntoPyObject<'py> for Typed<'py, H> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = Infallible;
    const OUTPUT_TYPE: PyStaticExpr = H::HINT;

    fn into_pyobject(self, _: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(self.0)
    }
}

macro_rules! hints {
    ($($name:ident $(<$item:ident>)? = $hint:expr;)+) => { $(
        pub(crate) struct $name $(<$item>(PhantomData<$item>))?;
        impl $(<$item: for<'a> IntoPyObject<'a>>)? Hint for $name $(<$item>)? {
            const HINT: PyStaticExpr = $hint;
        }
    )+ };
}
hints! {
    Records = type_hint_subscript!(type_hint_identifier!("builtins", "list"), RECORD);
    Walk<T> = type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterator"), <T as IntoPyObject<'static>>::OUTPUT_TYPE);
    AsyncWalk<T> = type_hint_subscript!(type_hint_identifier!("collections.abc", "AsyncIterator"), <T as IntoPyObject<'static>>::OUTPUT_TYPE);
    Coroutine<T> = type_hint_subscript!(type_hint_identifier!("collections.abc", "Coroutine"), ANY, ANY, <T as IntoPyObject<'static>>::OUTPUT_TYPE);
}

/// Records found, parsed by Python in one go.
pub(crate) fn list(records: &[Box<RawValue>]) -> RecordsOut {
    RecordsOut(ffi::list(records))
}

pub(crate) struct RecordsOut(String);

impl<'py> IntoPyObject<'py> for RecordsOut {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    const OUTPUT_TYPE: PyStaticExpr = Records::HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        loads(py, &self.0)
    }
}
