//! The `a{sv}` that ends every call: what it may hold is checked, what it may not is refused.

use super::error::{Error, Result};
use crate::{
    model::{PageRequest, limits::MAX_IDEMPOTENCY_KEY_BYTES},
    service::IdempotencyKey,
};
use std::{collections::HashMap, net::SocketAddr};
use zbus::{OwnedVariant, Variant};

/// Options as they came in.
pub(super) type OptionDict = HashMap<String, OwnedVariant>;
/// What ends every reply and signal: empty today, room for tomorrow.
pub(super) type Extras = HashMap<&'static str, Variant<'static>>;

/// Name of the option that makes a repeated call have its effect once.
pub(super) const KEY: &str = "idempotency_key";
/// Names of the options that choose a page.
pub(super) const PAGE: [&str; 2] = ["page_size", "page_token"];

/// Options, once their names were checked.
pub(super) struct Options(OptionDict);

impl Options {
    /// Takes `dict` if it holds nothing but `known` names: a mistyped option must not be
    /// taken for a default.
    pub(super) fn read(dict: OptionDict, known: &[&str]) -> Result<Self> {
        match dict.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self(dict)),
            Some(name) if known.is_empty() => Err(Error::invalid(format!(
                "There is no option {name:?}; this call takes none."
            ))),
            Some(name) => Err(Error::invalid(format!(
                "There is no option {name:?}; there are: {}.",
                known.join(", ")
            ))),
        }
    }

    /// Refuses every option.
    pub(super) fn none(dict: OptionDict) -> Result<()> {
        Self::read(dict, &[]).map(drop)
    }

    /// The idempotency key, for calls that take nothing else.
    pub(super) fn only_key(dict: OptionDict) -> Result<IdempotencyKey> {
        Self::read(dict, &[KEY])?.key()
    }

    /// The page, for calls that take nothing else.
    pub(super) fn only_page(dict: OptionDict) -> Result<PageRequest> {
        Self::read(dict, &PAGE)?.page()
    }

    pub(super) fn key(&self) -> Result<IdempotencyKey> {
        let key = self.text(KEY)?;
        if key.len() > MAX_IDEMPOTENCY_KEY_BYTES {
            return Err(Error::invalid(format!(
                "An {KEY} has at most {MAX_IDEMPOTENCY_KEY_BYTES} bytes."
            )));
        }
        Ok(IdempotencyKey(key))
    }

    pub(super) fn page(&self) -> Result<PageRequest> {
        let [size, token] = PAGE;
        let size = self.number(size)?.unwrap_or(0);
        Ok(PageRequest {
            size: u32::try_from(size).unwrap_or(u32::MAX),
            token: self.text(token)?,
        })
    }

    /// A text; empty if it was not given.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        match self.value(name) {
            None => Ok(String::new()),
            Some(Variant::Str(text)) => Ok(text.to_string()),
            Some(_) => Err(wrong(name, "text (s)")),
        }
    }

    /// A yes or no; no if it was not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.value(name) {
            None => Ok(false),
            Some(Variant::Bool(flag)) => Ok(*flag),
            Some(_) => Err(wrong(name, "a boolean (b)")),
        }
    }

    /// A whole number of any width; shells cannot always choose one.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>> {
        let number = match self.value(name) {
            None => return Ok(None),
            Some(Variant::U8(n)) => Some(u64::from(*n)),
            Some(Variant::U16(n)) => Some(u64::from(*n)),
            Some(Variant::U32(n)) => Some(u64::from(*n)),
            Some(Variant::U64(n)) => Some(*n),
            Some(Variant::I16(n)) => u64::try_from(*n).ok(),
            Some(Variant::I32(n)) => u64::try_from(*n).ok(),
            Some(Variant::I64(n)) => u64::try_from(*n).ok(),
            Some(_) => None,
        };
        number
            .map(Some)
            .ok_or_else(|| wrong(name, "a whole number (u or t)"))
    }

    /// A list of texts; empty if it was not given.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let Some(value) = self.value(name) else {
            return Ok(Vec::new());
        };
        value
            .try_clone()
            .ok()
            .and_then(|value| Vec::<String>::try_from(value).ok())
            .ok_or_else(|| wrong(name, "a list of texts (as)"))
    }

    fn value(&self, name: &str) -> Option<&Variant<'static>> {
        self.0.get(name).map(|value| &**value)
    }
}

/// An address of this daemon, as the user names it.
pub(super) fn parse_address(text: String) -> Result<SocketAddr> {
    text.parse()
        .map_err(|_| Error::invalid(format!("{text:?} is no address; write ip:port.")))
}

fn wrong(name: &str, wanted: &str) -> Error {
    Error::invalid(format!("The option {name:?} must be {wanted}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorCode;

    fn dict(name: &str, value: impl Into<Variant<'static>>) -> OptionDict {
        let value: Variant<'static> = value.into();
        HashMap::from([(name.to_owned(), value.try_into_owned().unwrap())])
    }

    #[test]
    fn a_mistyped_option_is_refused() {
        let error = Options::only_key(dict("idempotence_key", "k")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(error.to_string().contains("idempotency_key"));
    }

    #[test]
    fn an_option_of_another_type_is_refused() {
        assert!(Options::only_key(dict(KEY, 7_u32)).is_err());
        assert!(Options::only_page(dict("page_size", "7")).is_err());
        assert!(Options::only_page(dict("page_size", -1_i32)).is_err());
    }

    #[test]
    fn numbers_of_any_width_are_taken() {
        for dict in [
            dict("page_size", 7_u8),
            dict("page_size", 7_i32),
            dict("page_size", 7_u64),
        ] {
            assert_eq!(Options::only_page(dict).unwrap().size, 7);
        }
    }

    #[test]
    fn an_overlong_key_is_refused() {
        assert!(Options::only_key(dict(KEY, "k".repeat(129))).is_err());
        assert_eq!(Options::only_key(dict(KEY, "k")).unwrap().0, "k");
    }

    #[test]
    fn lists_of_texts_are_read() {
        let options = Options::read(dict("types", vec!["message", "vault"]), &["types"]).unwrap();
        assert_eq!(options.texts("types").unwrap(), ["message", "vault"]);
        assert!(options.texts("other").unwrap().is_empty());
    }
}
