use serde::{Deserialize, Serialize};

/// How a column is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum Operator {
    /// The column holds exactly the value. Allowed wherever the column may be read.
    Equals,
    /// The column holds something else.
    NotEquals,
    /// The column is greater, as text or number as it has it. Instances may forbid it.
    Greater,
    /// The column begins with the value. Instances may forbid it.
    StartsWith,
    /// The column holds one of the values, separated by commas.
    OneOf,
}

/// One condition of a query; all conditions of a query must be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
pub struct Condition {
    /// Name of the column: lower-case letters, digits, `_`, and dots for a column of a referenced record.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what. Control characters and scripts are refused.
    pub value: String,
}
