//! The one loop that seals.

use super::{
    MessageError,
    after::{After, finish},
    compose, control, deposit,
    expiry::Looks,
    repair, take_back,
};
use crate::{
    base::{Stop, chain},
    crypto::DeviceCert,
    engine::{
        event_bus::EventBus,
        identities::Identities,
        mailbox::{Announced, Bell},
        outbox::{self, Outbox},
        vault::Vault,
    },
    model::{ContactId, Message, MessageId, RouteId, VaultState},
    store::{self, Once, StoreError, Ticket, Txn, records::OutboxHead},
};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{mpsc, oneshot};

/// Commands served by one transaction: a few milliseconds of sealing.
const BATCH: usize = 16;
/// Transactions whose durability is awaited at a time.
const IN_FLIGHT: usize = 8;

pub(super) type Reply<T> = oneshot::Sender<Result<T, MessageError>>;

/// A message that is on disk.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) message: MessageId,
    /// As it was stored; `None` if that was for an earlier call.
    pub(super) fresh: Option<Message>,
    /// To whom it was sealed, if it was.
    pub(super) to: Option<Arc<DeviceCert>>,
}

pub(super) enum Command {
    Send {
        contact: ContactId,
        text: String,
        once: Once,
        reply: Reply<Sent>,
    },
    Cancel {
        message: MessageId,
        reply: Reply<()>,
    },
    GiveUp {
        contact: ContactId,
        reply: Reply<()>,
    },
    Receipt {
        contact: ContactId,
    },
    Update {
        contact: ContactId,
        addresses: Vec<SocketAddr>,
    },
    Expire {
        contact: ContactId,
    },
    Refused {
        contact: ContactId,
        places: Vec<(u32, u64)>,
    },
    Void {
        contact: ContactId,
        seqs: Vec<u64>,
    },
    Deposit {
        contact: ContactId,
        alone: bool,
    },
    Announce {
        contact: ContactId,
        mailboxes: Vec<Announced>,
    },
}

/// What sealing needs.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) bus: EventBus,
    pub(super) identities: Identities,
    pub(super) outbox: Outbox,
    pub(super) bell: Bell,
    pub(super) looks: Arc<Mutex<Looks>>,
}

impl Tools {
    pub(super) fn new(bus: EventBus, identities: Identities, outbox: Outbox, bell: Bell) -> Self {
        Self {
            bus,
            identities,
            outbox,
            bell,
            looks: Arc::default(),
        }
    }
}

pub(super) struct Composer {
    tools: Tools,
    vault: Vault,
    inbox: mpsc::Receiver<Command>,
    in_flight: Arc<tokio::sync::Semaphore>,
}

impl Composer {
    pub(super) fn new(tools: Tools, vault: Vault, inbox: mpsc::Receiver<Command>) -> Self {
        Self {
            tools,
            vault,
            inbox,
            in_flight: Arc::new(tokio::sync::Semaphore::new(IN_FLIGHT)),
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        let tasks = crate::base::Tasks::new();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = stop.draining() => break,
                // First, or a busy user would put them off for ever.
                due = self.tools.outbox.receipts_due() => batch.extend(
                    due.into_iter().map(|route| Command::Receipt { contact: ContactId(route.0) }),
                ),
                taken = self.inbox.recv_many(&mut batch, BATCH) => if taken == 0 { break },
            }
            let Ok(permit) = Arc::clone(&self.in_flight).acquire_owned().await else {
                break;
            };
            let commands = std::mem::take(&mut batch);
            let (tools, unlocked) = (
                self.tools.clone(),
                self.vault.state() == VaultState::Unlocked,
            );
            // Queued before the next batch begins, so sequence numbers and disk agree.
            let work = tokio::task::spawn_blocking(move || seal_batch(&tools, commands, unlocked));
            let Ok((ticket, afters)) = work.await else {
                tracing::error!("sealing a batch panicked; its callers are told");
                continue;
            };
            let tools = self.tools.clone();
            tasks.detach(async move {
                finish(&tools, ticket, afters).await;
                drop(permit);
            });
        }
        // Every permit back means every caller was answered.
        let _ = self
            .in_flight
            .acquire_many(u32::try_from(IN_FLIGHT).unwrap_or(1))
            .await;
    }
}

fn seal_batch(
    tools: &Tools,
    commands: Vec<Command>,
    unlocked: bool,
) -> (Result<Ticket, StoreError>, Vec<After>) {
    let mut txn = tools.bus.store().begin();
    let mut afters = Vec::with_capacity(commands.len());
    let mut routes = BTreeSet::new();
    for command in commands {
        serve(tools, &mut txn, command, unlocked, &mut afters, &mut routes);
    }
    for route in routes {
        match wake(tools, &mut txn, route) {
            Ok(wake) => afters.push(After::Outbox(wake)),
            Err(error) => tracing::error!(error = %chain(&error), "cannot read an outbox"),
        }
    }
    (tools.bus.store().queue(txn), afters)
}

/// What to tell once the batch is durable: then everything below its tail is, too.
fn wake(tools: &Tools, txn: &mut Txn, route: RouteId) -> Result<outbox::Command, StoreError> {
    if tools.outbox.is_linked(route) {
        // Noted here, it costs no write of its own before the rows may go.
        store::outbox::offer(txn, &route)?;
    }
    let OutboxHead { tail, offered, .. } = store::outbox::head(txn, &route)?;
    Ok(outbox::Command::Wake {
        route,
        tail,
        offered,
    })
}

/// Serves one command. One that fails leaves nothing in `txn`: each is a step of its own.
fn serve(
    tools: &Tools,
    txn: &mut Txn,
    command: Command,
    unlocked: bool,
    afters: &mut Vec<After>,
    routes: &mut BTreeSet<RouteId>,
) {
    match command {
        Command::Send {
            contact,
            text,
            once,
            reply,
        } => {
            let mut sent = check(unlocked).and_then(|()| {
                txn.attempt(|txn| compose::message(tools, txn, contact, text, &once))
            });
            if let Ok(sent) = &mut sent {
                routes.insert(RouteId(contact.0));
                afters.extend(sent.to.take().map(After::Wrap));
            }
            afters.push(After::Sent(reply, sent));
        }
        Command::Cancel { message, reply } => {
            let mut held = take_back::Held::new();
            let done = check(unlocked).and_then(|()| {
                txn.attempt(|txn| take_back::cancel(tools, txn, message, &mut held))
            });
            let done = done.map(|route| {
                routes.insert(route);
            });
            afters.push(After::Done(reply, done));
            afters.extend(released(held));
        }
        Command::GiveUp { contact, reply } => {
            let done = check(unlocked)
                .and_then(|()| txn.attempt(|txn| take_back::give_up(tools, txn, contact)));
            afters.push(After::Done(reply, done));
        }
        Command::Receipt { contact } if unlocked => {
            match txn.attempt(|txn| control::receipt(tools, txn, contact)) {
                Ok(Some(command)) => afters.push(After::Outbox(command)),
                Ok(None) => {}
                Err(error) => tracing::warn!(error = %chain(&error), "cannot seal a receipt"),
            }
        }
        Command::Update { contact, addresses } if unlocked => {
            match txn.attempt(|txn| control::update(tools, txn, contact, &addresses)) {
                Ok(true) => {
                    routes.insert(RouteId(contact.0));
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %chain(&error), "cannot seal an update"),
            }
        }
        Command::Expire { contact } if unlocked => {
            let mut held = take_back::Held::new();
            let clock = tools.bus.clock();
            let look = tools
                .looks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .look(clock.steady_ms(), clock.wall_ms());
            if let Some(before) = look {
                let ended =
                    txn.attempt(|txn| take_back::expire(tools, txn, contact, before, &mut held));
                note_ended(ended, contact, routes);
            }
            afters.extend(released(held));
            let again = txn.attempt(|txn| repair::retry(tools, txn, contact));
            note_ended(again, contact, routes);
        }
        Command::Refused { contact, places } if unlocked => {
            let again = txn.attempt(|txn| repair::refused(tools, txn, contact, &places));
            note_ended(again, contact, routes);
        }
        Command::Void { contact, seqs } if unlocked => {
            let told = take_back::void(tools, txn, contact, &seqs).map(|()| true);
            note_ended(told, contact, routes);
        }
        Command::Deposit { contact, alone } if unlocked => {
            match txn.attempt(|txn| deposit::deposit(tools, txn, contact, alone)) {
                Ok(true) => afters.push(After::Deposits(RouteId(contact.0))),
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %chain(&error), "cannot seal for a mailbox"),
            }
        }
        Command::Announce { contact, mailboxes } if unlocked => {
            let told = txn.attempt(|txn| control::announce(tools, txn, contact, &mailboxes));
            note_ended(told, contact, routes);
        }
        // While locked nothing can be sealed; unlocking asks again.
        Command::Receipt { .. }
        | Command::Update { .. }
        | Command::Expire { .. }
        | Command::Refused { .. }
        | Command::Void { .. }
        | Command::Deposit { .. }
        | Command::Announce { .. } => {}
    }
}

fn released(held: take_back::Held) -> impl Iterator<Item = After> {
    held.into_iter()
        .map(|(route, number)| After::Release(route, number))
}

fn note_ended(
    ended: Result<bool, MessageError>,
    contact: ContactId,
    routes: &mut BTreeSet<RouteId>,
) {
    match ended {
        Ok(true) => {
            routes.insert(RouteId(contact.0));
        }
        Ok(false) => {}
        Err(error) => tracing::warn!(error = %chain(&error), "cannot end messages"),
    }
}

fn check(unlocked: bool) -> Result<(), MessageError> {
    if unlocked {
        Ok(())
    } else {
        Err(MessageError::Locked)
    }
}
