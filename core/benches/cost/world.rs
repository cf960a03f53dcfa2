//! A client that is registered with the stub.

use std::sync::Arc;

use itsm_adapter::{
    AddAccount, Client, Config, Environment, RegisterServiceAccount, StoreConfig,
    clock::{Clock, SystemClock},
};

use crate::stub::Stub;

pub(crate) const ACCOUNT: &str = "benchcustomer";

pub(crate) struct World {
    pub(crate) client: Client,
    dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(stub: &Stub) -> Self {
        Self::with_clock(stub, Arc::new(SystemClock)).await
    }

    pub(crate) async fn with_clock(stub: &Stub, clock: Arc<dyn Clock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.store = StoreConfig::Sqlite { path: dir.path().join("adapter.db") };
        config.citrix_url = Some(stub.url().to_owned());
        config.instance_hosts.hosts = vec!["127.0.0.1".to_owned()];
        config.instance_hosts.allow_private_networks = true;
        let client = Client::builder().config(config).clock(clock).open().await.unwrap();
        client
            .accounts()
            .add(AddAccount {
                customer_id: ACCOUNT.to_owned(),
                environment: Environment::Us,
                client_id: "client".to_owned(),
                client_secret: "secret".into(),
                name: None,
            })
            .await
            .unwrap();
        client
            .registrations()
            .register(RegisterServiceAccount {
                customer_id: ACCOUNT.to_owned(),
                instance_url: stub.url().to_owned(),
                client_id: "client".to_owned(),
                client_secret: "secret".into(),
                user_name: "user".to_owned(),
                password: "password".into(),
                ..RegisterServiceAccount::default()
            })
            .await
            .unwrap();
        Self { client, dir }
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("adapter.db")
    }
}
