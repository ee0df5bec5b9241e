//! The objects of one kind that are on the bus, kept equal to the service's models.

use super::{
    mirror::{Changes, Mirrored},
    served::{Served, knowing},
};
use crate::service::Service;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};
use zbus::{
    Connection, ObjectPath,
    fdo::Properties,
    object_server::{Interface, SignalEmitter},
};

/// Emits `PropertiesChanged` of the interface `I` at `path`, unless there is nothing to tell.
pub(super) async fn tell<I: Interface>(
    connection: &Connection,
    path: ObjectPath<'_>,
    changes: Changes,
) -> zbus::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let emitter = SignalEmitter::new(connection, path)?;
    let values = changes.values.into_iter().collect();
    let invalidated = Cow::Owned(changes.invalidated);
    Properties::properties_changed(&emitter, I::name(), values, invalidated).await
}

/// Objects of one kind.
pub(super) struct Shelf<M: Mirrored> {
    connection: Connection,
    service: Service,
    shown: HashMap<M::Id, M>,
}

impl<M: Mirrored> Shelf<M> {
    pub(super) fn new(connection: &Connection, service: &Service) -> Self {
        Self {
            connection: connection.clone(),
            service: service.clone(),
            shown: HashMap::new(),
        }
    }

    pub(super) fn get(&self, id: M::Id) -> Option<&M> {
        self.shown.get(&id)
    }

    /// Makes the bus show exactly `models`.
    pub(super) async fn replace(&mut self, models: Vec<M>) -> zbus::Result<()> {
        let wanted: HashSet<M::Id> = models.iter().map(M::id).collect();
        let gone = |id: &M::Id| !wanted.contains(id);
        let gone: Vec<M::Id> = self.shown.keys().copied().filter(gone).collect();
        for id in gone {
            self.remove(id).await?;
        }
        for model in models {
            self.put(model).await?;
        }
        Ok(())
    }

    /// Shows `model`: a new object, or what changed of a known one.
    pub(super) async fn put(&mut self, model: M) -> zbus::Result<()> {
        let id = model.id();
        if !model.is_shown() {
            return self.remove(id).await;
        }
        let path = M::path(id);
        match self.shown.get(&id) {
            Some(known) => {
                let changes = M::changes(known, &model);
                tell::<Served<M::Object>>(&self.connection, path.into_inner(), changes).await?;
            }
            None => {
                let object = Served::new(M::object(self.service.clone(), id));
                let added = self.connection.object_server().at(path, object);
                knowing(model.clone(), added).await?;
            }
        }
        self.shown.insert(id, model);
        Ok(())
    }

    /// Takes the object away, if there is one.
    pub(super) async fn remove(&mut self, id: M::Id) -> zbus::Result<()> {
        if self.shown.remove(&id).is_some() {
            let server = self.connection.object_server();
            server.remove::<Served<M::Object>, _>(M::path(id)).await?;
        }
        Ok(())
    }
}
