//! What every object of ours does beyond its interface: one read answers for all its
//! properties, its announcement names nobody, and its documentation is part of introspection.

use super::{docs, error::Result};
use crate::service;
use std::{
    any::Any,
    collections::HashMap,
    fmt::Write,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use zbus::{
    BoxDBusError, Connection, Message, ObjectServer, OwnedVariant, Variant, fdo,
    message::Header,
    names::{InterfaceName, MemberName},
    object_server::{DispatchResult, Interface, SignalEmitter},
};

type Kept = Mutex<Option<Arc<dyn Any + Send + Sync>>>;

tokio::task_local! {
    /// What `GetAll` has read already, for the getters that it calls one after the other.
    static KEPT: Kept;
}

/// Reads a model for one property; within one `GetAll` only the first property reads.
pub(super) async fn once<M: Clone + Send + Sync + 'static>(
    read: impl Future<Output = service::Result<M>>,
) -> Result<M> {
    let lock = |kept: &Kept| {
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().and_then(|m| m.downcast_ref::<M>().cloned())
    };
    if let Ok(Some(model)) = KEPT.try_with(lock) {
        return Ok(model);
    }
    let model = read.await?;
    // Outside `GetAll` there is nothing to keep it for.
    let _ = KEPT.try_with(|kept| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Arc::new(model.clone()));
    });
    Ok(model)
}

/// Runs `work` with `model` as what has been read already: an announcement needs no second read.
pub(super) async fn knowing<M: Send + Sync + 'static, T>(
    model: M,
    work: impl Future<Output = T>,
) -> T {
    let known: Arc<dyn Any + Send + Sync> = Arc::new(model);
    KEPT.scope(Mutex::new(Some(known)), work).await
}

/// An interface and what its signals must not tell.
pub(super) trait Private: Interface {
    /// Properties that are read on request and never broadcast: names, texts, fingerprints.
    const PRIVATE: &'static [&'static str];
    /// What the interface is for, in introspection.
    const ABOUT: &'static str;
}

/// An interface as the bus sees it.
pub(super) struct Served<T> {
    inner: T,
    announced: AtomicBool,
}

impl<T> Served<T> {
    pub(super) const fn new(inner: T) -> Self {
        Self {
            inner,
            announced: AtomicBool::new(false),
        }
    }
}

// zbus calls this trait unstable. It is the only door to `InterfacesAdded` and to
// introspection; the dependency is pinned, and a change would not compile.
#[zbus::export::async_trait::async_trait]
impl<T: Private> Interface for Served<T> {
    fn name() -> InterfaceName<'static> {
        T::name()
    }

    fn spawn_tasks_for_methods(&self) -> bool {
        self.inner.spawn_tasks_for_methods()
    }

    async fn get(
        &self,
        name: &str,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<std::result::Result<OwnedVariant, BoxDBusError>> {
        self.inner
            .get(name, server, connection, header, emitter)
            .await
    }

    async fn get_all(
        &self,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> fdo::Result<HashMap<String, OwnedVariant>> {
        let read = self.inner.get_all(server, connection, header, emitter);
        let known = KEPT.try_with(|_| ()).is_ok();
        let mut all = if known {
            read.await?
        } else {
            KEPT.scope(Mutex::new(None), read).await?
        };
        // The first reading without a caller is the one for `InterfacesAdded`: zbus takes it
        // before anybody can find the object. Later ones answer `GetManagedObjects`.
        if header.is_none() && !self.announced.swap(true, Ordering::SeqCst) {
            all.retain(|name, _| !T::PRIVATE.contains(&name.as_str()));
        }
        Ok(all)
    }

    fn set<'call>(
        &'call self,
        name: &'call str,
        value: &'call Variant<'_>,
        server: &'call ObjectServer,
        connection: &'call Connection,
        header: Option<&'call Header<'_>>,
        emitter: &'call SignalEmitter<'_>,
    ) -> DispatchResult<'call> {
        self.inner
            .set(name, value, server, connection, header, emitter)
    }

    async fn set_mut(
        &mut self,
        name: &str,
        value: &Variant<'_>,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<std::result::Result<(), BoxDBusError>> {
        self.inner
            .set_mut(name, value, server, connection, header, emitter)
            .await
    }

    fn call<'call>(
        &'call self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        name: MemberName<'call>,
    ) -> DispatchResult<'call> {
        self.inner.call(server, connection, message, name)
    }

    fn call_mut<'call>(
        &'call mut self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        name: MemberName<'call>,
    ) -> DispatchResult<'call> {
        self.inner.call_mut(server, connection, message, name)
    }

    fn introspect_to_writer(&self, writer: &mut dyn Write, level: usize) {
        let mut plain = String::new();
        self.inner.introspect_to_writer(&mut plain, level);
        // A `String` takes everything; zbus's own writer is one too.
        let _ = writer.write_str(&docs::annotate(&plain, T::ABOUT));
    }
}
