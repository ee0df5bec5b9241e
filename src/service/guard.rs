//! Checks that every call shares: selectors, pages, idempotency.

use super::{IdempotencyKey, Result, Rooms, Selector, ServiceError, error};
use crate::{
    engine::event_bus::Once,
    model::{ErrorCode, Page, PageRequest, VaultState},
};

/// Shorter prefixes of ids would come to mean something else with the next id.
const LEAST_PREFIX: usize = 4;

/// Most candidates that are listed: an answer with more could be larger than a client takes.
const MOST_CANDIDATES: usize = 16;

/// The one of `all` that `which` names: by whole id, by name, by name without regard to case,
/// or by a unique prefix of its id. The first way that fits any decides.
pub(super) fn select<T>(
    what: &'static str,
    all: Vec<T>,
    which: &Selector,
    id: impl Fn(&T) -> String,
    names: impl Fn(&T) -> Vec<String>,
) -> Result<T> {
    let wanted = which.0.trim();
    // Many things have no name, note or alias; nothing said does not mean them.
    if wanted.is_empty() {
        return Err(not_found(what, wanted));
    }
    let lower = wanted.to_lowercase();
    let ways: [&dyn Fn(&T) -> bool; 4] = [
        &|one| id(one) == wanted,
        &|one| names(one).iter().any(|name| name == wanted),
        &|one| names(one).iter().any(|name| name.to_lowercase() == lower),
        &|one| wanted.len() >= LEAST_PREFIX && id(one).starts_with(wanted),
    ];
    let (mut fits, mut rest) = (Vec::new(), all);
    for way in ways {
        (fits, rest) = rest.into_iter().partition(way);
        if !fits.is_empty() {
            break;
        }
    }
    if fits.len() > 1 {
        let mut error = ServiceError::new(
            ErrorCode::Ambiguous,
            what,
            format!("{} fit {wanted:?}: use more of the id", fits.len()),
        );
        error.candidates = fits
            .iter()
            .take(MOST_CANDIDATES)
            .map(|one| format!("{} {}", id(one), names(one).join(" ")))
            .collect();
        return Err(error);
    }
    fits.pop().ok_or_else(|| not_found(what, wanted))
}

pub(super) fn not_found(what: &'static str, wanted: &str) -> ServiceError {
    ServiceError::new(
        ErrorCode::NotFound,
        what,
        format!("no {what} fits {wanted:?}"),
    )
}

/// The part of `all` that `request` asks for. Tokens are positions.
pub(super) fn page<T>(all: Vec<T>, request: &PageRequest) -> Result<Page<T>> {
    let start = position(&request.token)?;
    let (total, rows) = (all.len(), request.rows());
    let rows: Vec<T> = all.into_iter().skip(start).take(rows).collect();
    let end = start.saturating_add(rows.len());
    let next = if end < total {
        end.to_string()
    } else {
        String::new()
    };
    Ok(Page { rows, next })
}

/// The number in a page token; 0 for the empty one.
pub(super) fn position(token: &str) -> Result<usize> {
    if token.is_empty() {
        return Ok(0);
    }
    token.parse().map_err(|_| {
        ServiceError::new(
            ErrorCode::InvalidArgument,
            "page",
            "the page token is not one that was given out",
        )
    })
}

/// Does `act` unless it was done under this key before, and returns the id of what it is about.
///
/// For calls that set a state: a crash between effect and memory lets a repetition set the same
/// state again. Nothing is remembered while the vault is locked, since its records cannot be
/// read then.
pub(super) async fn done_once(
    rooms: &Rooms,
    call: &'static str,
    key: &IdempotencyKey,
    request: &[&[u8]],
    act: impl Future<Output = Result<String>>,
) -> Result<String> {
    let once = once(rooms, call, key, request)?;
    if key.0.is_empty() {
        return act.await;
    }
    if rooms.vault.state() == VaultState::Unlocked
        && let Some(about) = rooms.bus.recall(&once).map_err(error::store!())?
    {
        return Ok(String::from_utf8_lossy(&about).into_owned());
    }
    let about = act.await?;
    if rooms.vault.state() == VaultState::Unlocked {
        let remembered = rooms.bus.remember(&once, about.as_bytes()).await;
        remembered.map_err(error::store!())?;
    }
    Ok(about)
}

/// A repeatable call.
pub(super) fn once(
    rooms: &Rooms,
    call: &'static str,
    key: &IdempotencyKey,
    request: &[&[u8]],
) -> Result<Once> {
    Once::new(call, &key.0, request, rooms.bus.now().0).map_err(|error| {
        ServiceError::new(
            ErrorCode::InvalidArgument,
            "idempotency_key",
            error.to_string(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick_of(
        all: &[(&'static str, &'static str)],
        wanted: &str,
    ) -> Result<(&'static str, &'static str)> {
        select(
            "contact",
            all.to_vec(),
            &Selector(wanted.to_owned()),
            |one| one.0.to_owned(),
            |one| vec![one.1.to_owned()],
        )
    }

    fn pick(wanted: &str) -> Result<(&'static str, &'static str)> {
        let all = [
            ("aaaa1111", "alice"),
            ("aaaa2222", "bob"),
            ("bbbb3333", "alice"),
            ("cccc4444", "aaaa"),
            ("dddd5555", "Zoë"),
            ("dddd6666", "ZOË"),
            ("eeee7777", ""),
        ];
        pick_of(&all, wanted)
    }

    #[test]
    fn a_whole_id_beats_a_name_and_a_name_beats_a_prefix() {
        assert_eq!(pick("aaaa2222").unwrap().1, "bob");
        assert_eq!(pick("aaaa").unwrap().0, "cccc4444");
        assert_eq!(pick("AAAA").unwrap().0, "cccc4444");
        assert_eq!(pick("bbbb").unwrap().0, "bbbb3333");
    }

    #[test]
    fn case_counts_only_where_it_tells_two_apart() {
        assert_eq!(pick("Bob").unwrap().0, "aaaa2222");
        assert_eq!(pick("Zoë").unwrap().0, "dddd5555");
        assert_eq!(pick("ZOË").unwrap().0, "dddd6666");
        let error = pick("zoë").unwrap_err();
        assert_eq!(error.code, ErrorCode::Ambiguous);
        assert_eq!(error.candidates, ["dddd5555 Zoë", "dddd6666 ZOË"]);
    }

    #[test]
    fn what_fits_several_is_refused_with_all_of_them() {
        let error = pick("alice").unwrap_err();
        assert_eq!(error.code, ErrorCode::Ambiguous);
        assert_eq!(error.candidates.len(), 2);
    }

    #[test]
    fn what_fits_hundreds_is_refused_with_a_few_of_them() {
        let error = pick_of(&[("ffff0000", "party"); 300], "party").unwrap_err();
        assert_eq!(error.candidates.len(), MOST_CANDIDATES);
        assert!(error.message.starts_with("300 fit"), "{}", error.message);
    }

    #[test]
    fn short_prefixes_and_strangers_are_not_found() {
        for wanted in ["bbb", "", " ", "ffff"] {
            assert_eq!(
                pick(wanted).unwrap_err().code,
                ErrorCode::NotFound,
                "{wanted}"
            );
        }
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let mut request = PageRequest {
            size: 2,
            token: String::new(),
        };
        let mut seen = Vec::new();
        loop {
            let page = page(vec![1, 2, 3, 4, 5], &request).unwrap();
            seen.extend(page.rows);
            if page.next.is_empty() {
                break;
            }
            request.token = page.next;
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
        request.token = "x".to_owned();
        assert!(super::page(vec![1], &request).is_err());
    }
}
