//! A process that changes one connection over and over, and words for the states it can be in. The parent kills it
//! and looks what is left.

use std::sync::Arc;

use itsm_adapter::{
    Client, Connect, Connection, ConnectionStatus, ErrorKind, Event, EventKind, Observer, ReauthenticateServiceAccount,
    RegisterServiceAccount, Result,
};
use itsm_simulator::seed;

use super::{
    ACME, DEV1,
    child::{Scene, say},
    password,
};

/// `none`, `unregistered`, or `registered` with the first or the second set of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum State {
    None,
    Unregistered,
    Registered(usize),
}

/// What the process does; registering and re-authenticating name the set of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Deed {
    Connect,
    Register(usize),
    Reauthenticate(usize),
    Unregister,
    Disconnect,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unregistered => "unregistered",
            Self::Registered(_) => "registered",
        }
    }

    /// What a connection is in, from all that it says of itself.
    pub(crate) fn of(connection: &Connection) -> Self {
        let (endpoint, grant) = match connection.status {
            ConnectionStatus::Unregistered => {
                let left = (&connection.endpoint, &connection.grant, &connection.last_test);
                assert_eq!(left, (&None, &None, &None), "an ended registration left something behind");
                return Self::Unregistered;
            }
            ConnectionStatus::Registered => (connection.endpoint.as_ref().unwrap(), connection.grant.as_ref().unwrap()),
            other => panic!("nobody refused anything, and yet: {other:?}"),
        };
        assert!(connection.last_test.as_ref().unwrap().passed);
        let is = |set: &usize| credentials(*set).0 == endpoint.client_id && credentials(*set).2 == grant.user_name;
        let set = [0, 1].into_iter().find(is);
        Self::Registered(set.unwrap_or_else(|| panic!("a mixture: {} with {}", endpoint.client_id, grant.user_name)))
    }

    /// What may be done from here.
    pub(crate) fn deeds(self) -> &'static [Deed] {
        use Deed::{Connect, Disconnect, Reauthenticate, Register, Unregister};
        match self {
            Self::None => &[Connect, Register(0), Register(1)],
            Self::Unregistered => &[Connect, Register(0), Register(1), Disconnect],
            Self::Registered(_) => {
                &[Connect, Register(0), Register(1), Reauthenticate(0), Reauthenticate(1), Unregister, Disconnect]
            }
        }
    }

    pub(crate) fn after(self, deed: Deed) -> Self {
        match (deed, self) {
            (Deed::Connect, Self::None) | (Deed::Unregister, _) => Self::Unregistered,
            (Deed::Connect, same) => same,
            (Deed::Register(set) | Deed::Reauthenticate(set), _) => Self::Registered(set),
            (Deed::Disconnect, _) => Self::None,
        }
    }
}

/// Client id, client secret and user of a set of credentials: no part of one goes with a part of the other.
pub(crate) fn credentials(set: usize) -> (String, String, &'static str) {
    let endpoint = seed::oauth_clients(DEV1).swap_remove(set);
    (endpoint.client_id, endpoint.client_secret, ["svc.citrix", "svc.second"][set])
}

pub(crate) async fn state(client: &Client, instance_url: &str) -> State {
    match client.connections().get(ACME, instance_url).await {
        Ok(connection) => State::of(&connection),
        Err(error) if error.kind() == ErrorKind::NotFound => State::None,
        Err(error) => panic!("{error:?}"),
    }
}

pub(crate) async fn perform(client: &Client, instance_url: &str, deed: Deed) -> Result<()> {
    let (customer_id, instance_url) = (ACME.to_owned(), instance_url.to_owned());
    match deed {
        Deed::Connect => {
            let request = Connect { customer_id, instance_url, instance_name: None };
            client.connections().connect(request).await.map(drop)
        }
        Deed::Register(set) => {
            let (client_id, client_secret, user) = credentials(set);
            let request = RegisterServiceAccount {
                customer_id,
                instance_url,
                instance_name: None,
                client_id,
                client_secret: client_secret.into(),
                user_name: user.into(),
                password: password(user),
            };
            client.registrations().register(request).await.map(drop)
        }
        Deed::Reauthenticate(set) => {
            let (client_id, client_secret, user) = credentials(set);
            let request = ReauthenticateServiceAccount {
                customer_id,
                instance_url,
                client_id: Some(client_id),
                client_secret: Some(client_secret.into()),
                user_name: Some(user.into()),
                password: Some(password(user)),
            };
            client.registrations().reauthenticate(request).await.map(drop)
        }
        Deed::Unregister => client.registrations().unregister(&customer_id, &instance_url).await.map(drop),
        Deed::Disconnect => client.connections().disconnect(&customer_id, &instance_url).await.map(drop),
    }
}

/// Numbers by chance, the same for the same start.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(start: u64) -> Self {
        Self(start.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

/// In the started process: does one thing after the other until it is killed, and says before and after each what
/// the state is, or is to be.
pub(crate) async fn work(client: &Client, scene: &Scene) {
    let mut dice = Dice::new(scene.number);
    let mut now = state(client, &scene.instance_url).await;
    loop {
        let deed = dice.pick(now.deeds());
        let next = now.after(deed);
        say(format!("begin {}", serde_json::to_string(&(now, deed)).unwrap()));
        if let Err(error) = perform(client, &scene.instance_url, deed).await {
            say(format!("failed {deed:?}: {error:?}"));
            return;
        }
        say(format!("done {}", serde_json::to_string(&next).unwrap()));
        now = next;
    }
}

/// Stops the process at the moment at which a change is committed and nothing has been done after it.
pub(crate) struct StopAtCommit;

impl Observer for StopAtCommit {
    fn on_event(&self, event: &Event) {
        if !matches!(event.kind, EventKind::AccountUpdated | EventKind::Progress) {
            say("committed");
            loop {
                std::thread::park();
            }
        }
    }
}

pub(crate) fn stop_at_commit() -> Arc<dyn Observer> {
    Arc::new(StopAtCommit)
}
