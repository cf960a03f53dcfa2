//! What a program of the adapter reads from its environment, as lines for a shell.

use serde_json::Value;

/// The first account, the first instance with its first OAuth client, and the first user there.
pub(crate) fn exports(description: &Value) -> String {
    let of = |list: &str, name: &str| description[list][0][name].as_str().unwrap_or_default();
    let whole = |name: &str| description[name].as_str().unwrap_or_default();
    let variables = [
        ("CITRIX_URL", whole("citrix_url")),
        ("CITRIX_CUSTOMER_ID", of("accounts", "customer_id")),
        ("CITRIX_ENVIRONMENT", "us"),
        ("CITRIX_CLIENT_ID", of("accounts", "client_id")),
        ("CITRIX_CLIENT_SECRET", of("accounts", "client_secret")),
        ("SERVICENOW_URL", whole("servicenow_url")),
        ("SERVICENOW_HOSTS", "127.0.0.1"),
        ("SERVICENOW_CLIENT_ID", of("oauth_clients", "client_id")),
        ("SERVICENOW_CLIENT_SECRET", of("oauth_clients", "client_secret")),
        ("SERVICENOW_USER", of("users", "user_name")),
        ("SERVICENOW_PASSWORD", of("users", "password")),
        ("ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS", "true"),
    ];
    let line = |(name, value): &(&str, &str)| format!("export {name}='{}'", value.replace('\'', r"'\''"));
    variables.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}
