use super::{event::Event, state::State};
use crate::error::{Error, ErrorKind, Result};

/// What the driver does when it commits a transition. All effects of one transition are one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// Write down which secure client was tested for the connection.
    StoreSecureClient,
    /// Write endpoint, grant and tokens; whatever tokens they replace are revoked afterwards.
    StoreGrant,
    /// Forget endpoint secret, grant and tokens; the tokens are revoked afterwards.
    DropGrant,
    /// Remove the connection.
    RemoveConnection,
}

/// Where an event leads, and what has to be done on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) next: State,
    pub(crate) effects: &'static [Effect],
}

/// The state machine: the one place that knows which event leads where. Pure.
///
/// # Errors
/// `illegal_state` for a pair that the table marks with `–`; nothing changes then.
pub(crate) fn transition(state: State, event: Event) -> Result<Transition> {
    use Effect::{DropGrant, RemoveConnection, StoreGrant, StoreSecureClient};
    use Event::{ConnectOk, CredentialsRejected, Decommission, Reauthenticated, SaveFailed, SaveOk, Unregister};

    let to = |next, effects| Ok(Transition { next, effects });
    match state {
        State::None => match event {
            ConnectOk => to(State::Unregistered, &[StoreSecureClient]),
            SaveOk => to(State::Registered, &[StoreSecureClient, StoreGrant]),
            SaveFailed => to(State::None, &[]),
            CredentialsRejected | Reauthenticated | Unregister | Decommission => illegal(state, event),
        },
        State::Unregistered => match event {
            ConnectOk => to(State::Unregistered, &[StoreSecureClient]),
            SaveOk => to(State::Registered, &[StoreGrant]),
            SaveFailed => to(State::Unregistered, &[]),
            CredentialsRejected | Reauthenticated | Unregister => illegal(state, event),
            Decommission => to(State::None, &[RemoveConnection]),
        },
        State::Registered => match event {
            ConnectOk => to(State::Registered, &[StoreSecureClient]),
            SaveOk | Reauthenticated => to(State::Registered, &[StoreGrant]),
            SaveFailed => to(State::Registered, &[]),
            CredentialsRejected => to(State::Unauthorized, &[]),
            Unregister => to(State::Unregistered, &[DropGrant]),
            Decommission => to(State::None, &[DropGrant, RemoveConnection]),
        },
        State::Unauthorized => match event {
            ConnectOk => to(State::Unauthorized, &[StoreSecureClient]),
            SaveOk | Reauthenticated => to(State::Registered, &[StoreGrant]),
            SaveFailed | CredentialsRejected => to(State::Unauthorized, &[]),
            Unregister => to(State::Unregistered, &[DropGrant]),
            Decommission => to(State::None, &[DropGrant, RemoveConnection]),
        },
    }
}

fn illegal(state: State, event: Event) -> Result<Transition> {
    let remedy = match (state, event) {
        (State::None, _) => "Connect the account with the instance first.",
        (_, Event::Reauthenticated) => "There is no registration to re-authenticate; register first.",
        (_, Event::Unregister) => "There is no registration to end.",
        _ => "Read the present status and choose an operation that fits it.",
    };
    Err(Error::new(
        ErrorKind::IllegalState,
        format!("The connection is in status {}, which does not allow: {}.", state.word(), event.words()),
    )
    .remedy(remedy)
    .with("status", state.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One cell as the README prints it.
    fn cell(state: State, event: Event) -> String {
        let Ok(transition) = transition(state, event) else { return "–".to_owned() };
        let effects: Vec<&str> = transition
            .effects
            .iter()
            .map(|effect| match effect {
                Effect::StoreSecureClient => "store secure client",
                Effect::StoreGrant => "store grant",
                Effect::DropGrant => "drop grant",
                Effect::RemoveConnection => "remove connection",
            })
            .collect();
        if effects.is_empty() {
            transition.next.word().to_owned()
        } else {
            format!("{}: {}", transition.next.word(), effects.join(", "))
        }
    }

    #[test]
    fn the_table_of_the_readme_is_what_the_code_does() {
        let line = |first: &str, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
        let mut table = line("from \\ event", Event::ALL.iter().map(|event| event.words().to_owned()).collect());
        table = table + "|---|" + &"---|".repeat(Event::ALL.len()) + "\n";
        for state in State::ALL {
            let cells = Event::ALL.iter().map(|event| cell(state, *event)).collect();
            table.push_str(&line(&format!("**{}**", state.word()), cells));
        }
        let readme = include_str!("README.md");
        assert!(readme.contains(&table), "the README should hold this table:\n{table}");
    }

    /// The contract, cell by cell: next state or illegal, independent of how the code is written.
    #[test]
    fn every_pair_does_what_the_contract_says() {
        use State::{None as N, Registered as R, Unauthorized as A, Unregistered as U};
        let contract: [(State, [Option<State>; 7]); 4] = [
            (N, [Some(U), Some(R), Some(N), None, None, None, None]),
            (U, [Some(U), Some(R), Some(U), None, None, None, Some(N)]),
            (R, [Some(R), Some(R), Some(R), Some(A), Some(R), Some(U), Some(N)]),
            (A, [Some(A), Some(R), Some(A), Some(A), Some(R), Some(U), Some(N)]),
        ];
        for (state, row) in contract {
            for (event, expected) in Event::ALL.into_iter().zip(row) {
                let next = transition(state, event).ok().map(|transition| transition.next);
                assert_eq!(next, expected, "{} × {}", state.word(), event.words());
            }
        }
    }

    #[test]
    fn a_failed_save_never_touches_the_grant_in_use() {
        for state in State::ALL {
            let transition = transition(state, Event::SaveFailed).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((transition.next, transition.effects), (state, &[][..]));
        }
    }

    #[test]
    fn a_state_without_registration_is_never_left_with_a_grant() {
        for state in [State::Registered, State::Unauthorized] {
            for event in Event::ALL {
                let Ok(transition) = transition(state, event) else { continue };
                let drops = transition.effects.contains(&Effect::DropGrant);
                let ends = matches!(transition.next, State::None | State::Unregistered);
                assert_eq!(drops, ends, "{} × {}", state.word(), event.words());
            }
        }
    }

    #[test]
    fn an_illegal_event_names_the_status_and_a_way_out() {
        let error = transition(State::Unregistered, Event::Unregister).expect_err("illegal");
        assert_eq!(error.kind(), ErrorKind::IllegalState);
        assert_eq!(error.context("status"), Some("unregistered"));
    }
}
