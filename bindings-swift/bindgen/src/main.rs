//! Reads a static library and writes Swift sources, headers and a module map. See `../generate.sh`.

fn main() {
    uniffi::uniffi_bindgen_swift();
}
