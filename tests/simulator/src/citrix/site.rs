//! What orchestration says about one site.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::account::Site;
use crate::chance::stable_guid;

/// `GET /Sites/{id}`; licence fields are null in the cloud.
pub(super) fn details(site: &Site) -> Value {
    json!({
        "Id": site.id, "Name": site.name, "OrchestationApiVersion": "1.0",
        "PrimaryZone": {"Id": stable_guid(&format!("zone of {}", site.id)), "Uid": 1, "Name": "Initial Zone"},
        "ProductCode": site.product_code, "ProductEdition": site.edition, "ProductVersion": site.version,
        "SiteServices": [], "EnabledFeatures": [], "ColorDepth": "TwentyFourBit", "DefaultDesktopIconId": "1",
        "LicenseServerName": null, "LicenseServerPort": null, "LicensingModel": null, "LicensingBurnInDate": null,
        "IsSecondaryBroker": false, "TrustRequestsSentToTheXmlServicePort": true,
    })
}

/// `GET /Sites/{id}/Status`.
pub(super) fn status(site: &Site) -> Value {
    json!({
        "SiteState": if site.test_result == "Failed" { "Error" } else { "Configured" },
        "UpgradedControllers": [], "ControllersRequiringBinaryUpgrade": [], "LatestControllerVersion": site.version,
    })
}

/// What a finished site test counts.
pub(super) fn test_summary(site: &Site) -> Value {
    let (passed, warnings, failures) = match site.test_result.as_str() {
        "Failed" => (208, 0, 3),
        "Warnings" => (209, 2, 0),
        _ => (211, 0, 0),
    };
    json!({"Site": {"Id": site.id, "Name": site.name}, "NumPassed": passed, "NumWarnings": warnings, "NumFailures": failures})
}

/// `GET /Sites/{id}/TestReport`; `Serverity` is spelt so.
pub(super) fn report(site: &Site, now: DateTime<Utc>) -> Value {
    json!({
        "TestType": "Site", "CreatedBy": "itsm-connector", "FormattedReportTime": now.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "TestResults": [{
            "TestName": "Site_CheckDatabaseConnectivity", "TestScope": "Site", "TestComponentStatus": site.test_result,
            "TestComponents": [{
                "TestComponentTarget": site.name, "TestComponentStatus": site.test_result,
                "ResultDetails": [{
                    "ServiceSource": "Broker", "Serverity": if site.test_result == "Failed" { "Error" } else { "Information" },
                    "Explanation": "The database answers.", "Action": "",
                }],
            }],
        }],
    })
}
