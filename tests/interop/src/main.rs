//! rPGP reads what msgd writes, and answers in the same form.
//!
//! `msgd-interop FIXTURES` checks the committed keys, certificates, statement, session key and
//! envelope, and seals an envelope from the fixtures' device to itself to standard output.
//! `msgd-interop FIXTURES FOLDER` also opens the fresh messages that msgd's own tests wrote
//! there (`src/crypto/interop.rs`) and seals `SIZE.foreign` for each of them.
//!
//! Nothing of msgd is linked: what holds here holds by the standards alone.

use std::{
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use pgp::{
    composed::{
        Deserializable, Message, MessageBuilder, PlainSessionKey, SignedPublicKey, SignedSecretKey,
        SubpacketConfig, TheRing,
    },
    crypto::{
        aead::{AeadAlgorithm, ChunkSize},
        hash::HashAlgorithm,
        public_key::PublicKeyAlgorithm,
        sym::SymmetricKeyAlgorithm,
    },
    packet::{Notation, Packet, PacketParser, Signature, Subpacket, SubpacketData},
    types::{DecryptionKey, EskType, Fingerprint, KeyDetails, KeyVersion, Password, Timestamp},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CONTEXT: &[u8] = &[7; 32];
const CONTEXT_NOTATION: &[u8] = b"ctx@msgd";
const FIXTURE_PAYLOAD: &[u8] = b"This must always open.";
/// Of a message, this many bytes are changed, one at a time.
const FLIPS: usize = 97;

fn main() -> Result<()> {
    let mut folders = std::env::args_os().skip(1).map(PathBuf::from);
    let fixtures = folders
        .next()
        .ok_or("the folder of the fixtures is missing")?;
    check_identity(&fixtures)?;
    check_session_key(&fixtures)?;
    let device = Side::read(&fixtures, "device")?;
    let envelope = fs::read(fixtures.join("envelope.pgp"))?;
    device.opens(&device, &envelope, FIXTURE_PAYLOAD)?;
    device.refuses_flips(&device, &envelope)?;
    eprintln!("the committed fixtures open, and changed ones do not");

    let Some(folder) = folders.next() else {
        let answer = device.seal(&device, FIXTURE_PAYLOAD)?;
        return Ok(std::io::stdout().write_all(&answer)?);
    };
    let author = Side::read(&folder, "author")?;
    let device = Side::read(&folder, "device")?;
    let mut count = 0;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_none_or(|extension| extension != "payload")
        {
            continue;
        }
        let payload = fs::read(&path)?;
        let message = fs::read(path.with_extension("pgp"))?;
        device.opens(&author, &message, &payload)?;
        if payload.len() < 1000 {
            device.refuses_flips(&author, &message)?;
        }
        if device.opened(&device, &message).is_ok() {
            return Err("a message passed for another author's".into());
        }
        fs::write(
            path.with_extension("foreign"),
            author.seal(&device, &payload)?,
        )?;
        count += 1;
    }
    if count == 0 {
        return Err("there is no message in the folder".into());
    }
    fs::write(folder.join("answered"), [])?;
    eprintln!("{count} fresh messages open, and as many answers are sealed");
    Ok(())
}

/// The identity's certificate, its secret and a statement that it signed.
fn check_identity(fixtures: &Path) -> Result<()> {
    let cert = SignedPublicKey::from_bytes(&*fs::read(fixtures.join("identity.cert"))?)?;
    cert.verify_bindings()?;
    let secret = SignedSecretKey::from_bytes(&*fs::read(fixtures.join("identity.key"))?)?;
    secret.verify_bindings()?;
    same(
        &cert.fingerprint(),
        &secret.fingerprint(),
        "identity's fingerprints",
    )?;

    let bytes = fs::read(fixtures.join("statement.sig"))?;
    let Some(Packet::Signature(statement)) = PacketParser::new(&*bytes).next().transpose()? else {
        return Err("the statement is no signature".into());
    };
    let signed = |purpose: &str, data: &[u8]| [b"msgd/1/", purpose.as_bytes(), &[0], data].concat();
    statement.verify(&cert, &*signed("fixture", FIXTURE_PAYLOAD))?;
    if statement
        .verify(&cert, &*signed("other", FIXTURE_PAYLOAD))
        .is_ok()
    {
        return Err("the statement holds for another purpose".into());
    }
    Ok(())
}

/// A session key on its own, sealed to a key for one use.
fn check_session_key(fixtures: &Path) -> Result<()> {
    let read = |name: &str| -> Result<Packet> {
        let bytes = fs::read(fixtures.join(name))?;
        let mut packets = PacketParser::new(&*bytes);
        let packet = packets.next().ok_or("there is no packet")??;
        packets
            .next()
            .is_none()
            .then_some(packet)
            .ok_or("a second packet follows".into())
    };
    let Packet::PublicKeyEncryptedSessionKey(wrapped) = read("one-time.pkesk")? else {
        return Err("the session key is something else".into());
    };
    if wrapped.fingerprint()?.is_some() {
        return Err("the session key names its recipient".into());
    }
    let (password, values) = (Password::empty(), wrapped.values()?);
    let session = match read("one-time.key")? {
        Packet::SecretSubkey(key) => key.decrypt(&password, values, EskType::V6)??,
        Packet::SecretKey(key) => key.decrypt(&password, values, EskType::V6)??,
        _ => return Err("the key is something else".into()),
    };
    let PlainSessionKey::V6 { key } = &session else {
        return Err("the session key is not version 6".into());
    };
    same(
        &key.as_ref(),
        &&*fs::read(fixtures.join("one-time.secret"))?,
        "session keys",
    )
}

/// A device: as others know it, and with its secrets.
struct Side {
    cert: SignedPublicKey,
    secret: SignedSecretKey,
}

impl Side {
    fn read(folder: &Path, name: &str) -> Result<Self> {
        let file = |kind: &str| fs::read(folder.join(name).with_extension(kind));
        let cert = SignedPublicKey::from_bytes(&*file("cert")?)?;
        let secret = SignedSecretKey::from_bytes(&*file("key")?)?;
        cert.verify_bindings()?;
        secret.verify_bindings()?;
        same(
            &cert.fingerprint(),
            &secret.fingerprint(),
            "device's fingerprints",
        )?;
        same(&cert.primary_key.version(), &KeyVersion::V6, "key versions")?;
        same(
            &cert.primary_key.algorithm(),
            &PublicKeyAlgorithm::Ed25519,
            "signing keys",
        )?;
        for subkey in &cert.public_subkeys {
            same(
                &subkey.algorithm(),
                &PublicKeyAlgorithm::MlKem768X25519,
                "sealing keys",
            )?;
        }
        Ok(Self { cert, secret })
    }

    fn opens(&self, author: &Self, message: &[u8], payload: &[u8]) -> Result<()> {
        same(&&*self.opened(author, message)?, &payload, "payloads")
    }

    /// The payload, if `author` signed it in the fixtures' context and for this device.
    fn opened(&self, author: &Self, message: &[u8]) -> Result<Vec<u8>> {
        let password = Password::empty();
        let ring = TheRing {
            secret_keys: vec![&self.secret],
            key_passwords: vec![&password],
            ..TheRing::default()
        };
        let (mut opened, _) = Message::from_bytes(message)?.decrypt_the_ring(ring, true)?;
        let payload = opened.as_data_vec()?;
        let signature = opened.verify(&author.cert)?;
        self.is_addressed_by(signature)?;
        Ok(payload)
    }

    fn is_addressed_by(&self, signature: &Signature) -> Result<()> {
        let hashed = &signature
            .config()
            .ok_or("an unknown signature")?
            .hashed_subpackets;
        let mine = SubpacketData::IntendedRecipientFingerprint(self.cert.fingerprint());
        if !hashed
            .iter()
            .any(|part| part.is_critical && part.data == mine)
        {
            return Err("the signature names another recipient".into());
        }
        let context = SubpacketData::Notation(context());
        if !hashed
            .iter()
            .any(|part| part.is_critical && part.data == context)
        {
            return Err("the signature names another context".into());
        }
        Ok(())
    }

    fn refuses_flips(&self, author: &Self, message: &[u8]) -> Result<()> {
        for at in (0..FLIPS).map(|step| step * (message.len() - 1) / (FLIPS - 1)) {
            let mut changed = message.to_vec();
            changed[at] ^= 1 << (at % 8);
            if self.opened(author, &changed).is_ok() {
                return Err(format!("it opens with byte {at} changed").into());
            }
        }
        Ok(())
    }

    /// What msgd itself would write: signed inside, sealed to the first subkey.
    fn seal(&self, to: &Self, payload: &[u8]) -> Result<Vec<u8>> {
        let mut random = rand::thread_rng();
        let recipient: Fingerprint = to.cert.fingerprint();
        let hashed = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::now()))?,
            Subpacket::regular(SubpacketData::IssuerFingerprint(self.cert.fingerprint()))?,
            Subpacket::critical(SubpacketData::IntendedRecipientFingerprint(recipient))?,
            Subpacket::critical(SubpacketData::Notation(context()))?,
        ];
        let mut builder = MessageBuilder::from_bytes("", payload.to_vec()).seipd_v2(
            &mut random,
            SymmetricKeyAlgorithm::AES256,
            AeadAlgorithm::Ocb,
            ChunkSize::C4KiB,
        );
        builder.sign_with_subpackets(
            &self.secret.primary_key,
            Password::empty(),
            HashAlgorithm::Sha512,
            SubpacketConfig::UserDefined {
                hashed,
                unhashed: Vec::new(),
            },
        );
        let subkey = to.cert.public_subkeys.first().ok_or("no key to seal to")?;
        builder.encrypt_to_key_anonymous(&mut random, subkey)?;
        Ok(builder.to_vec(&mut random)?)
    }
}

fn context() -> Notation {
    Notation {
        readable: false,
        name: CONTEXT_NOTATION.into(),
        value: CONTEXT.into(),
    }
}

fn same<T: PartialEq>(found: &T, wanted: &T, what: &str) -> Result<()> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("the {what} differ").into()),
    }
}
