//! Names on the bus: the bus name of a profile, interface names, object paths.

use crate::{
    base::DEFAULT_PROFILE,
    model::{ContactId, ConversationId, IdentityId, RequestId},
};
use std::fmt::Display;
use zbus::{ObjectPath, OwnedObjectPath};

/// The bus name of the default profile, and what every other name begins with.
pub const BUS_NAME: &str = "org.msgd.Msgd1";
/// The object that is always there.
pub const ROOT: &str = "/org/msgd/Msgd1";

/// The bus name of `profile`. Its words are those of a profile name: letters, digits, `-`, `_`;
/// the prefix keeps the last element from beginning with a digit, which the bus forbids.
#[must_use]
pub fn bus_name(profile: &str) -> String {
    if profile == DEFAULT_PROFILE {
        BUS_NAME.to_owned()
    } else {
        format!("{BUS_NAME}.Profile_{profile}")
    }
}

/// "No object": D-Bus has no other way to say it.
pub(super) fn nowhere() -> OwnedObjectPath {
    OwnedObjectPath::default()
}

fn below(kind: &str, id: impl Display) -> OwnedObjectPath {
    // Digits of an id always make a path.
    ObjectPath::try_from(format!("{ROOT}/{kind}/{id}")).map_or_else(|_| nowhere(), Into::into)
}

pub(super) fn identity(id: IdentityId) -> OwnedObjectPath {
    below("identity", id)
}

pub(super) fn contact(id: ContactId) -> OwnedObjectPath {
    below("contact", id)
}

pub(super) fn conversation(id: ConversationId) -> OwnedObjectPath {
    below("conversation", id)
}

pub(super) fn request(id: RequestId) -> OwnedObjectPath {
    below("request", id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zbus::names::WellKnownName;

    #[test]
    fn every_profile_has_a_valid_name_of_its_own() {
        assert_eq!(bus_name("default"), "org.msgd.Msgd1");
        for profile in ["bob", "9lives", "a-b_c", "_", "-"] {
            let name = bus_name(profile);
            assert!(WellKnownName::try_from(name.as_str()).is_ok(), "{name}");
            assert!(name.ends_with(profile));
        }
    }

    #[test]
    fn an_id_makes_a_path() {
        assert_eq!(
            contact(ContactId([0xab; 16])).as_str(),
            "/org/msgd/Msgd1/contact/abababababababababababababababab"
        );
        assert_eq!(nowhere().as_str(), "/");
    }
}
