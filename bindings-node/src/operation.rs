//! What all resources have in common: each operation converts, calls, converts.

/// The class of a resource, and one method for each operation: `name(argument { fields it is taken apart into } [as the
/// face takes it]) -> answer [as the face gives it]`. The file that uses it has `Client` at hand.
macro_rules! operations {
    (
        $(#[$about:meta])*
        $class:ident $resource:ident |$core:ident| {
            $(
                $(#[$doc:meta])*
                $name:ident($argument:ident: $kind:ident $(<$inner:ident>)? $({ $($field:ident),+ })? $([$asked:tt])?)
                -> $answer:ident $(<$some:ident>)? $([$shown:tt])? { $($work:tt)* }
            )+
        }
    ) => {
        $(#[$about])*
        #[napi]
        pub struct $class(pub(crate) itsm_adapter::Client);

        #[napi]
        impl $class {
            $(
                $(#[$doc])*
                #[napi($(ts_return_type = $shown)?)]
                pub fn $name<'e>(
                    &self,
                    env: &'e napi::Env,
                    $(#[napi(ts_arg_type = $asked)])? $argument: $kind$(<$inner>)?,
                    options: Option<$crate::promise::CallOptions>,
                ) -> napi::Result<napi::bindgen_prelude::PromiseRaw<'e, $answer$(<$some>)?>> {
                    $crate::promise::start(&self.0, env, options, |$core| async move {
                        $crate::operation::apart!($argument: $kind $(<$inner>)? $({ $($field),+ })?);
                        $($work)*
                    })
                }
            )+
        }

        #[napi]
        impl Client {
            $(#[$about])*
            #[napi(getter)]
            pub fn $resource(&self) -> $class {
                $class(self.0.clone())
            }
        }
    };
}
pub(crate) use operations;

/// Takes a request apart, if it says into what; one that is left out is the default.
macro_rules! apart {
    ($request:ident: $kind:ident $(<$inner:ident>)?) => {};
    ($request:ident: Option<$kind:ident> { $($field:ident),+ }) => {
        let $kind { $($field),+ } = $request.unwrap_or_default();
    };
    ($request:ident: $kind:ident { $($field:ident),+ }) => {
        let $kind { $($field),+ } = $request;
    };
}
pub(crate) use apart;

/// An operation that gives nothing.
pub(crate) type Nothing = ();
