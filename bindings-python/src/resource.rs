//! Each operation is written once; the macro gives it to the blocking client and to the asyncio client.

use pyo3::{intern, prelude::*, types::PyDict};

use crate::{
    convert::{Typed, typed},
    exit::Inside,
};

/// Writes two classes over what they hold. In lists of arguments those behind `;` are keywords.
///
/// `takes` names a request and, as arguments, its fields, with those behind a second `;` fixed; its operations get the
/// request, and arguments of their own. `fn` is any other operation, whose result may be another class (`|`) with
/// asyncio. `walk` is an iterator over what an operation gives page by page; `parts` are the resources of a client;
/// `opens` is the request of a constructor; `until` is what ends a `with` block; `both`, `blocking` and `asyncio` are
/// further items of the classes.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        $blocking:ident, $asyncio:ident over $held:ty;
        $($rest:tt)*
    ) => {
        resource! { @take [$(#[$doc])* $blocking, $asyncio over $held;] [] $($rest)* }
    };
    (@take $head:tt $done:tt takes $request:ident $fields:tt {} $($rest:tt)*) => {
        resource! { @take $head $done $($rest)* }
    };
    // The next operation of a request becomes one that takes its fields.
    (@take $head:tt [$($done:tt)*]
        takes $request:ident(
            $($arg:ident: $ty:ty),*; $($key:ident: $kty:ty $(= $default:tt)?),* $(; $($fixed:ident: $value:expr),*)?
        ) {
            $(#[$doc:meta])*
            fn $name:ident(&$core:ident, $given:ident $(; $($own:ident: $oty:ty $(= $odefault:tt)?),*)?)
                -> $out:ty $(| $aout:ty)? $body:block
            $($others:tt)*
        }
        $($rest:tt)*
    ) => {
        resource! { @take $head
            [
                $($done)*
                $(#[$doc])*
                fn $name(
                    &$core $(, $arg: $ty)*; $($key: $kty $(= $default)?,)* $($($own: $oty $(= $odefault)?,)*)?
                ) -> $out $(| $aout)? {
                    let $given = $request {
                        $($arg: $arg.plain(),)* $($key: $key.plain(),)* $($($fixed: $value,)*)?
                    };
                    $body
                }
            ]
            takes $request(
                $($arg: $ty),*; $($key: $kty $(= $default)?),* $(; $($fixed: $value),*)?
            ) { $($others)* }
            $($rest)*
        }
    };
    (@take [$($head:tt)*] [$($done:tt)*] $($rest:tt)*) => {
        resource! { @write $($head)* $($done)* $($rest)* }
    };
    (@write
        $(#[$doc:meta])*
        $blocking:ident, $asyncio:ident over $held:ty;
        $(
            $(#[$fdoc:meta])*
            fn $name:ident(
                &$core:ident $(, $arg:ident: $ty:ty $(= $default:tt)?)*
                $(; $($key:ident: $kty:ty $(= $kdefault:tt)?),+ $(,)?)?
            ) -> $out:ty $(| $aout:ty)? $body:block
        )*
        $(walk {
            $(#[$wdoc:meta])*
            fn $walk:ident(
                $($warg:ident: $wty:ty $(= $wdefault:tt)?),*; $($wkey:ident: $wkty:ty = $wkdefault:tt),+
            ) -> $item:ty = $how:ident($fetch:ident);
        })?
        $(parts { $($(#[$pdoc:meta])* $part:ident: $bpart:ident | $apart:ident;)* })?
        $(opens $options:ident($($option:ident: $otype:ty),+ $(,)?);)?
        $(until $end:ident;)?
        $(both { $($both:tt)* } blocking { $($only_blocking:tt)* } asyncio { $($only_asyncio:tt)* })?
    ) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "itsm_adapter")]
        pub(crate) struct $blocking(pub(crate) $held);

        #[pymethods]
        impl $blocking {
            $(
                $(#[$fdoc])*
                #[pyo3(signature = ($($arg $(= $default)?,)* $(*, $($key $(= $kdefault)?),+)?))]
                fn $name(&self, py: Python<'_>, $($arg: $ty,)* $($($key: $kty),+)?) -> PyResult<$out> {
                    let here = self.0.here(py);
                    wait::<$out>(py, async move { let $core = here.client().await?; $body })
                }
            )*
            $(
                $(#[$wdoc])*
                #[pyo3(signature = ($($warg $(= $wdefault)?,)* *, $($wkey = $wkdefault),+))]
                fn $walk<'py>(
                    slf: &Bound<'py, Self>, $($warg: $wty,)* $($wkey: $wkty),+
                ) -> PyResult<Typed<'py, Walk<$item>>> {
                    let arguments = PyDict::new(slf.py());
                    $(arguments.set_item(stringify!($warg), $warg)?;)*
                    $(arguments.set_item(stringify!($wkey), $wkey)?;)+
                    walk(slf.as_any(), stringify!($how), stringify!($fetch), arguments)
                }
            )?
            $($($(#[$pdoc])* #[getter] fn $part(&self) -> $bpart {
                $bpart(self.0.clone())
            })*)?
            $(
                #[new]
                #[pyo3(signature = (*, $($option = None),+))]
                fn new(py: Python<'_>, $($option: Option<$otype>),+) -> PyResult<Self> {
                    Opened::open(py, $options { $($option: $option.plain()),+ }).map(Self)
                }
            )?
            $(
                fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
                    slf
                }

                fn __exit__(
                    &self, py: Python<'_>, _kind: Bound<'_, PyAny>, _error: Bound<'_, PyAny>, _trace: Bound<'_, PyAny>,
                ) -> PyResult<Nothing> {
                    self.$end(py)
                }
            )?
            $($($both)* $($only_blocking)*)?
        }

        $(#[$doc])*
        #[pyclass(frozen, module = "itsm_adapter")]
        pub(crate) struct $asyncio(pub(crate) $held);

        #[pymethods]
        impl $asyncio {
            $(
                $(#[$fdoc])*
                #[pyo3(signature = ($($arg $(= $default)?,)* $(*, $($key $(= $kdefault)?),+)?))]
                fn $name<'py>(
                    &self, py: Python<'py>, $($arg: $ty,)* $($($key: $kty),+)?
                ) -> PyResult<Typed<'py, Coroutine<last!($out $(, $aout)?)>>> {
                    let here = self.0.here(py);
                    coroutine::<last!($out $(, $aout)?)>(py, async move { let $core = here.client().await?; $body })
                }
            )*
            $(
                $(#[$wdoc])*
                #[pyo3(signature = ($($warg $(= $wdefault)?,)* *, $($wkey = $wkdefault),+))]
                fn $walk<'py>(
                    slf: &Bound<'py, Self>, $($warg: $wty,)* $($wkey: $wkty),+
                ) -> PyResult<Typed<'py, AsyncWalk<$item>>> {
                    let arguments = PyDict::new(slf.py());
                    $(arguments.set_item(stringify!($warg), $warg)?;)*
                    $(arguments.set_item(stringify!($wkey), $wkey)?;)+
                    walk(slf.as_any(), concat!("async_", stringify!($how)), stringify!($fetch), arguments)
                }
            )?
            $($($(#[$pdoc])* #[getter] fn $part(&self) -> $apart {
                $apart(self.0.clone())
            })*)?
            $(
                #[new]
                #[pyo3(signature = (*, $($option = None),+))]
                fn new(py: Python<'_>, $($option: Option<$otype>),+) -> PyResult<Self> {
                    Opened::open(py, $options { $($option: $option.plain()),+ }).map(Self)
                }
            )?
            $(
                fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Typed<'_, Coroutine<Py<Self>>>> {
                    let py = slf.py();
                    let slf = slf.unbind();
                    coroutine(py, async { Ok(slf) })
                }

                fn __aexit__<'py>(
                    &self, py: Python<'py>, _kind: Bound<'py, PyAny>, _error: Bound<'py, PyAny>, _trace: Bound<'py, PyAny>,
                ) -> PyResult<Typed<'py, Coroutine<Nothing>>> {
                    self.$end(py)
                }
            )?
            $($($both)* $($only_asyncio)*)?
        }
    };
}
pub(crate) use resource;

/// The last of one or two types.
macro_rules! last {
    ($one:ty) => { $one };
    ($one:ty, $two:ty) => { $two };
}
pub(crate) use last;

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
