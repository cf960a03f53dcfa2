//! The words of what has a few values: one for each, the same in every language, in JSON and in the store.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::IntoDeserializer};

use super::{
    AlertSource, AlertState, CheckName, CheckOutcome, ChosenSysId, ConnectionStatus, Day, DeliveryStatus,
    DuringMaintenance, EntitlementGroup, Environment, EventKind, GrantKind, InstanceHealth, LookUp, Operator,
    PolicyAction, RuleAction, ServiceState, Severity, WhenRaisedAgain,
};
use crate::{error::Error, transport::clean};

macro_rules! words {
    ($($name:ident),+ $(,)?) => { $(
        /// The word, such as serde writes it.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.serialize(f)
            }
        }

        /// The value of a word. `invalid_input` for another one, with those that there are.
        impl FromStr for $name {
            type Err = Error;

            fn from_str(word: &str) -> Result<Self, Error> {
                let value = Self::deserialize(word.into_deserializer());
                value.map_err(|error: serde::de::value::Error| {
                    Error::invalid(format!("There is an {}.", clean(&error.to_string(), 500)))
                })
            }
        }
    )+ };
}

words!(
    AlertSource,
    AlertState,
    CheckName,
    CheckOutcome,
    ChosenSysId,
    ConnectionStatus,
    Day,
    DeliveryStatus,
    DuringMaintenance,
    EntitlementGroup,
    Environment,
    EventKind,
    GrantKind,
    InstanceHealth,
    LookUp,
    Operator,
    PolicyAction,
    RuleAction,
    ServiceState,
    Severity,
    WhenRaisedAgain,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_its_value_and_the_other_way_round() {
        assert_eq!(Environment::UsGovernment.to_string(), "us_government");
        assert_eq!("us_government".parse::<Environment>().unwrap(), Environment::UsGovernment);
        assert_eq!(format!("{:<12}|", ConnectionStatus::Registered), "registered  |");
    }

    #[test]
    fn another_word_is_refused_with_those_that_there_are() {
        let error = "mars\u{202e}".parse::<Environment>().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        assert!(
            error.message().starts_with("There is an unknown variant `mars`, expected one of `us`, `eu`"),
            "{error}"
        );
    }
}
