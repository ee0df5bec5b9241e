//! Own identities.

use super::{IdempotencyKey, Result, Selector, Service, ServiceError, error, guard};
use crate::model::{ErrorCode, Identity, Page, PageRequest};

impl Service {
    /// Makes an identity: an identity certificate and this device's certificate.
    pub async fn create_identity(&self, name: String, key: IdempotencyKey) -> Result<Identity> {
        let rooms = self.open_rooms()?;
        if rooms.about.host_only {
            return Err(ServiceError::new(
                ErrorCode::Conflict,
                "identity",
                "this daemon hosts mailboxes and nothing else: start it without `--role mailbox`",
            ));
        }
        let once = guard::once(rooms, "create_identity", &key, &[name.as_bytes()])?;
        rooms
            .identities
            .create(name, once)
            .await
            .map_err(error::identity)
    }

    /// One identity. An empty selector means the only one.
    pub async fn get_identity(&self, which: Selector) -> Result<Identity> {
        let all = self
            .open_rooms()?
            .identities
            .list()
            .map_err(error::identity)?;
        if which.0.is_empty() {
            return only(all);
        }
        guard::select(
            "identity",
            all,
            &which,
            |one| one.id.to_string(),
            |one| vec![one.name.clone()],
        )
    }

    /// Every identity.
    pub async fn list_identities(&self, page: PageRequest) -> Result<Page<Identity>> {
        guard::page(
            self.open_rooms()?
                .identities
                .list()
                .map_err(error::identity)?,
            &page,
        )
    }

    /// Changes the name that future requests tell.
    pub async fn rename_identity(
        &self,
        which: Selector,
        name: String,
        key: IdempotencyKey,
    ) -> Result<Identity> {
        let rooms = self.open_rooms()?;
        let request = [which.0.clone(), name.clone()];
        let request = request.each_ref().map(String::as_bytes);
        let act = async {
            let id = self.get_identity(which).await?.id;
            let renamed = rooms.identities.rename(id, name).await;
            renamed.map_err(error::identity).map(|_| id.to_string())
        };
        let id = guard::done_once(rooms, "rename_identity", &key, &request, act).await?;
        self.get_identity(Selector(id)).await
    }
}

/// The one identity there is.
fn only(mut all: Vec<Identity>) -> Result<Identity> {
    if all.len() > 1 {
        let what = "there are several identities: say which";
        let mut error = ServiceError::new(ErrorCode::Ambiguous, "identity", what);
        error.candidates = all
            .iter()
            .map(|one| format!("{} {}", one.id, one.name))
            .collect();
        return Err(error);
    }
    all.pop().ok_or_else(|| {
        let what = "there is no identity yet: make one with `msgctl identity create NAME`";
        ServiceError::new(ErrorCode::NotFound, "identity", what)
    })
}
