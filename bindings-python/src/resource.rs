//! Each operation is written once; the macro gives it to the blocking client and to the asyncio client.

use pyo3::{intern, prelude::*, types::PyDict};

use crate::exit::Inside;

/// Writes two classes over what they hold. In lists of arguments those behind `;` are keywords.
///
/// `only` has further items of the one class and of the other. `takes` names a request and, as arguments, its fields,
/// with those behind a second `;` fixed; its operations get the request, and arguments of their own. `fn` is any other
/// operation, whose result may be another class (`|`) with asyncio. `walk` is an iterator over what an operation gives
/// page by page; `parts` are the resources of a client; `opens` is the request of a constructor; `until` is what ends
/// a `with` block; `both` has further items of both classes.
macro_rules! resource {
    ($(#[$doc:meta])* $blocking:ident, $asyncio:ident over $held:ty; $($rest:tt)*) => {
        resource! { @take [$(#[$doc])* $blocking, $asyncio over $held;] [] [] [] $($rest)* }
    };
    (@take $head:tt [] [] $done:tt only blocking { $($blocking:tt)* } asyncio { $($asyncio:tt)* } $($rest:tt)*) => {
        resource! { @take $head [$($blocking)*] [$($asyncio)*] $done $($rest)* }
    };
    (@take $head:tt $blocking:tt $asyncio:tt $done:tt takes $request:ident $fields:tt {} $($rest:tt)*) => {
        resource! { @take $head $blocking $asyncio $done $($rest)* }
    };
    // The next operation of a request becomes one that takes its fields.
    (@take $head:tt $blocking:tt $asyncio:tt [$($done:tt)*]
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
        resource! { @take $head $blocking $asyncio
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
    (@take
        [$(#[$doc:meta])* $one:ident, $other:ident over $held:ty;] $blocking:tt $asyncio:tt [$($done:tt)*] $($rest:tt)*
    ) => {
        resource! {
            @class [$(#[$doc])*] $one over $held; wait Now first Walk "items" __enter__ __exit__ $blocking $($done)* $($rest)*
        }
        resource! {
            @class [$(#[$doc])*] $other over $held;
            coroutine Coroutine last AsyncWalk "async_items" __aenter__ __aexit__ $asyncio $($done)* $($rest)*
        }
    };
    (@class
        [$(#[$doc:meta])*] $class:ident over $held:ty;
        $run:ident $answer:ident $pick:ident $walking:ident $how:literal $enter:ident $exit:ident [$($only:tt)*]
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
            ) -> $item:ty = $fetch:ident;
        })?
        $(parts { $($(#[$pdoc:meta])* $part:ident: $bpart:ident | $apart:ident;)* })?
        $(opens $options:ident($($option:ident: $otype:ty),+ $(,)?);)?
        $(until $end:ident;)?
        $(both { $($both:tt)* })?
    ) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "itsm_adapter")]
        pub(crate) struct $class(pub(crate) $held);

        #[pymethods]
        impl $class {
            $(
                $(#[$fdoc])*
                #[pyo3(signature = ($($arg $(= $default)?,)* $(*, $($key $(= $kdefault)?),+)?))]
                fn $name(
                    &self, py: Python<'_>, $($arg: $ty,)* $($($key: $kty),+)?
                ) -> PyResult<$answer<$pick!($out $(, $aout)?)>> {
                    let here = self.0.here(py);
                    $run::<$pick!($out $(, $aout)?)>(py, async move { let $core = here.client().await?; $body })
                }
            )*
            $(
                $(#[$wdoc])*
                #[pyo3(signature = ($($warg $(= $wdefault)?,)* *, $($wkey = $wkdefault),+))]
                fn $walk(slf: &Bound<'_, Self>, $($warg: $wty,)* $($wkey: $wkty),+) -> PyResult<$walking<$item>> {
                    let arguments = PyDict::new(slf.py());
                    $(arguments.set_item(stringify!($warg), $warg)?;)*
                    $(arguments.set_item(stringify!($wkey), $wkey)?;)+
                    walk(slf.as_any(), $how, stringify!($fetch), arguments)
                }
            )?
            $($($(#[$pdoc])* #[getter] fn $part(&self) -> $pick!($bpart, $apart) {
                $pick!($bpart, $apart)(self.0.clone())
            })*)?
            $(
                #[new]
                #[pyo3(signature = (*, $($option = None),+))]
                fn new(py: Python<'_>, $($option: Option<$otype>),+) -> PyResult<Self> {
                    Opened::open(py, $options { $($option: $option.plain()),+ }).map(Self)
                }
            )?
            $(
                fn $enter(slf: Bound<'_, Self>) -> PyResult<$answer<Py<Self>>> {
                    let (py, slf) = (slf.py(), slf.unbind());
                    $run(py, async { Ok(slf) })
                }

                fn $exit(
                    &self, py: Python<'_>, _kind: Bound<'_, PyAny>, _error: Bound<'_, PyAny>, _trace: Bound<'_, PyAny>,
                ) -> PyResult<$answer<Nothing>> {
                    self.$end(py)
                }
            )?
            $($($both)*)?
            $($only)*
        }
    };
}
pub(crate) use resource;

/// What a call of the blocking client gives.
pub(crate) type Now<T> = T;

/// The first, or the last, of one or two.
macro_rules! first {
    ($one:ident $(, $two:ident)?) => {
        $one
    };
    ($one:ty $(, $two:ty)?) => {
        $one
    };
}
macro_rules! last {
    ($one:ident, $two:ident) => {
        $two
    };
    ($one:ty) => {
        $one
    };
    ($one:ty, $two:ty) => {
        $two
    };
}
pub(crate) use {first, last};

/// An iterator of `itsm_adapter.iterators` over what this operation gives.
pub(crate) fn walk<'py, W: From<Bound<'py, PyAny>>>(
    resource: &Bound<'py, PyAny>,
    how: &str,
    fetch: &str,
    arguments: Bound<'py, PyDict>,
) -> PyResult<W> {
    let _inside = Inside::python(resource.py());
    let iterators = resource.py().import(intern!(resource.py(), "itsm_adapter.iterators"))?;
    iterators.getattr(how)?.call1((resource.getattr(fetch)?, arguments)).map(W::from)
}
