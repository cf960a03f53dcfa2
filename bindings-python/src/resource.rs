//! Each operation is written once; the macro gives it to the blocking client and to the asyncio client.

use pyo3::{intern, prelude::*, types::PyDict};

use crate::{
    convert::{Typed, typed},
    exit::Inside,
};

/// Writes two classes. `fn` is an operation; `walk` is an iterator over what an operation gives page by page;
/// `parts` are the resources of a client; `both`, `blocking` and `asyncio` are further items of the classes.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        $blocking:ident, $asyncio:ident;
        $($(#[$fdoc:meta])* fn $name:ident(&$core:ident $(, $arg:ident: $ty:ty)* $(,)?) -> $out:ty $body:block)*
        $(walk {
            $(#[$wdoc:meta])* fn $walk:ident($($warg:ident: $wty:ty),* $(,)?) -> $item:ty = $how:ident($fetch:ident);
        })?
        $(parts { $($(#[$pdoc:meta])* $part:ident: $bpart:ident | $apart:ident;)* })?
        $(both { $($both:tt)* } blocking { $($only_blocking:tt)* } asyncio { $($only_asyncio:tt)* })?
    ) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "itsm_adapter")]
        pub(crate) struct $blocking(pub(crate) Arc<Opened>);

        #[pymethods]
        impl $blocking {
            $($(#[$fdoc])* fn $name(&self, py: Python<'_>, $($arg: $ty),*) -> PyResult<$out> {
                let here = self.0.here(py);
                wait(py, async move { let $core = here.client().await?; $body })
            })*
            $($(#[$wdoc])* fn $walk<'py>(slf: &Bound<'py, Self>, $($warg: $wty),*) -> PyResult<Typed<'py, Walk<$item>>> {
                let arguments = PyDict::new(slf.py());
                $(arguments.set_item(stringify!($warg), $warg)?;)*
                walk(slf.as_any(), stringify!($how), stringify!($fetch), arguments)
            })?
            $($($(#[$pdoc])* #[getter] fn $part(&self) -> $bpart {
                $bpart(self.0.clone())
            })*)?
            $($($both)* $($only_blocking)*)?
        }

        $(#[$doc])*
        #[pyclass(frozen, module = "itsm_adapter")]
        pub(crate) struct $asyncio(pub(crate) Arc<Opened>);

        #[pymethods]
        impl $asyncio {
            $($(#[$fdoc])* fn $name<'py>(&self, py: Python<'py>, $($arg: $ty),*) -> PyResult<Typed<'py, Coroutine<$out>>> {
                let here = self.0.here(py);
                coroutine(py, async move { let $core = here.client().await?; $body })
            })*
            $($(#[$wdoc])* fn $walk<'py>(slf: &Bound<'py, Self>, $($warg: $wty),*) -> PyResult<Typed<'py, AsyncWalk<$item>>> {
                let arguments = PyDict::new(slf.py());
                $(arguments.set_item(stringify!($warg), $warg)?;)*
                walk(slf.as_any(), concat!("async_", stringify!($how)), stringify!($fetch), arguments)
            })?
            $($($(#[$pdoc])* #[getter] fn $part(&self) -> $apart {
                $apart(self.0.clone())
            })*)?
            $($($both)* $($only_asyncio)*)?
        }
    };
}
pub(crate) use resource;

/// An iterator of `itsm_adapter.iterators` over what this operation gives.
pub(crate) fn walk<'py, H>(
    resource: &Bound<'py, PyAny>,
    how: &str,
    fetch: &str,
    arguments: Bound<'py, PyDict>,
) -> PyResult<Typed<'py, H>> {
    let _inside = Inside::python(resource.py());
    let iterators = resource.py().import(intern!(resource.py(), "itsm_adapter.iterators"))?;
    iterators.getattr(how)?.call1((resource.getattr(fetch)?, arguments)).map(typed)
}
