//! `org.msgd.Msgd1.Events`: wake-up hints as signals, and the log that has it all.

use crate::{
    ipc::dbus::{
        error::Result,
        options::{Extras, OptionDict, Options, PAGE},
        rows,
        served::Private,
        words,
    },
    model::limits::{DEFAULT_PAGE, MAX_PAGE},
    service::{Service, Since, Subscribe},
};
use zbus::{ObjectPath, object_server::SignalEmitter};

/// The event log.
pub(in crate::ipc::dbus) struct Events(pub(in crate::ipc::dbus) Service);

impl Private for Events {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "What happened, numbered for ever. Signals are wake-up hints and \
        may be missed; GetEvents misses nothing. Neither holds names or texts.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Events")]
impl Events {
    /// Stored events after the number since (0: from the oldest stored), each with its number,
    /// time, kind and ids, and the number to go on from. A Gap says which are no longer stored.
    /// Options: consumer (s; from where that named reader is, instead of since), types (as;
    /// message, receipt, unread, contact, presence, request, invite, identity, vault),
    /// limit (u; 50 if not given, at most 500).
    #[zbus(out_args("events", "next", "extras"))]
    async fn get_events(
        &self,
        since: u64,
        options: OptionDict,
    ) -> Result<(Vec<rows::EventRow>, u64, Extras)> {
        let options = Options::read(options, &["consumer", "types", "limit"])?;
        let limit = options.number("limit")?.unwrap_or(DEFAULT_PAGE.into());
        let limit = limit.clamp(1, MAX_PAGE.into());
        let consumer = options.text("consumer")?;
        let types = options.texts("types")?;
        let request = Subscribe {
            since: match consumer.as_str() {
                "" => Since::Seq(since),
                _ => Since::Consumer(consumer),
            },
            types: types
                .iter()
                .map(|word| words::parse_event_type(word))
                .collect::<Result<_>>()?,
            follow: false,
        };
        let max = usize::try_from(limit).unwrap_or(usize::MAX);
        let (events, next) = self.0.read_events(request, max).await?;
        let rows = events.iter().map(rows::event).collect();
        Ok((rows, next, Extras::new()))
    }

    /// Records that a named reader has dealt with everything up to a number. Never goes back.
    /// Returns how far the reader got. Option: idempotency_key (s).
    #[zbus(out_args("acknowledged", "extras"))]
    async fn acknowledge_events(
        &self,
        consumer: String,
        seq: u64,
        options: OptionDict,
    ) -> Result<(u64, Extras)> {
        let key = Options::only_key(options)?;
        let consumer = self.0.acknowledge_events(consumer, seq, key).await?;
        Ok((consumer.acknowledged, Extras::new()))
    }

    /// Every named reader, with acknowledged (t) and at (x). Options: page_size (u),
    /// page_token (s). The next token is empty at the end.
    #[zbus(out_args("consumers", "next", "extras"))]
    async fn list_consumers(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::TextRow>, String, Extras)> {
        let page = Options::read(options, &PAGE)?.page()?;
        let page = self.0.list_consumers(page).await?;
        let rows = page.rows.into_iter().map(rows::consumer).collect();
        Ok((rows, page.next, Extras::new()))
    }

    /// Forgets a named reader. Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn remove_consumer(&self, consumer: String, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.0.remove_consumer(consumer, key).await?;
        Ok(Extras::new())
    }

    /// There are events up to this number, at most ten times a second.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn events_pending(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// A message came in.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn message_received(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        message: &str,
        conversation: ObjectPath<'_>,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// A message was written here, by this or another client.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn message_queued(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        message: &str,
        conversation: ObjectPath<'_>,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// An outgoing message got further, or stopped. The extras hold conversation (o).
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn message_state(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        message: &str,
        state: &str,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// A contact exists now.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn contact_added(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        contact: ObjectPath<'_>,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// A contact's name, alias, state or verification changed.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn contact_changed(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        contact: ObjectPath<'_>,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// A contact request came in, went out or was decided.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn request_changed(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        request: ObjectPath<'_>,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// An invite was made, used, revoked or found compromised.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn invite_changed(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        invite: &str,
        extras: Extras,
    ) -> zbus::Result<()>;

    /// An identity was made or renamed.
    #[zbus(signal)]
    pub(in crate::ipc::dbus) async fn identity_changed(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        identity: ObjectPath<'_>,
        extras: Extras,
    ) -> zbus::Result<()>;
}
