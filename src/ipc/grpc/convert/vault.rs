//! The vault and its slots.

use super::invalid;
use crate::{
    ipc::grpc::proto::v1,
    model::{SlotKind, VaultState},
    service::{NewSlot, Passphrase, Result, Slot},
};

pub(in crate::ipc::grpc) const fn vault_state(state: VaultState) -> v1::VaultState {
    match state {
        VaultState::Missing => v1::VaultState::Missing,
        VaultState::Sealed => v1::VaultState::Sealed,
        VaultState::Locked => v1::VaultState::Locked,
        VaultState::Unlocked => v1::VaultState::Unlocked,
    }
}

pub(in crate::ipc::grpc) fn slot(slot: Slot) -> v1::Slot {
    v1::Slot {
        number: slot.number,
        kind: match slot.kind {
            SlotKind::Passphrase => v1::SlotKind::Passphrase,
            SlotKind::File => v1::SlotKind::File,
        }
        .into(),
        memory_kib: slot.memory_kib,
        passes: slot.passes,
    }
}

pub(in crate::ipc::grpc) fn new_slot(slot: Option<v1::NewSlot>) -> Result<NewSlot> {
    match slot.and_then(|slot| slot.opener) {
        Some(v1::new_slot::Opener::Passphrase(bytes)) => {
            Ok(NewSlot::Passphrase(Passphrase::new(bytes)))
        }
        Some(v1::new_slot::Opener::File(_)) => Ok(NewSlot::File),
        None => Err(invalid(
            "slot",
            "say what shall open the slot: a passphrase or a file",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_without_an_opener_is_refused() {
        assert!(new_slot(None).is_err());
        assert!(new_slot(Some(v1::NewSlot { opener: None })).is_err());
    }
}
