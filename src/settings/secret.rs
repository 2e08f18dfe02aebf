//! The secret from which all keys are derived: read, or made where it may be made.

use crate::domain::Secret;
use crate::entropy::Entropy;
use crate::seal::{Keys, SECRET_BYTES, WeakSecret};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroize;

/// The secrets of the settings.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Makes and reads.
    pub current: RootSecret,
    /// Only reads, during a rotation.
    pub previous: Option<Secret<Vec<u8>>>,
}

/// A secret, or where to make one.
#[derive(Clone, Debug)]
pub enum RootSecret {
    /// It was read.
    Given(Secret<Vec<u8>>),
    /// The file is not there, and no other sidecar needs the same.
    ToBeMade {
        /// Where.
        path: PathBuf,
        /// Whether `secret.file` names it: then it may be missing by mistake.
        is_named: bool,
    },
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file is not there and cannot be made.
    #[error(
        "there is no secret file `{}`, and it cannot be made; put one there (`openssl rand -hex 32`)",
        path.display()
    )]
    Make {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The secret is of no use.
    #[error(transparent)]
    Weak(#[from] WeakSecret),
}

impl Secrets {
    /// Derives the keys; makes the secret if it is not there and may be made.
    pub fn keys(&self, entropy: &Entropy) -> Result<Keys, KeysError> {
        let current = match &self.current {
            RootSecret::Given(secret) => secret.clone(),
            RootSecret::ToBeMade { path, is_named } => {
                let failed = |source| KeysError::Make {
                    path: path.clone(),
                    source,
                };
                make(path, *is_named, entropy).map_err(failed)?
            }
        };
        Ok(Keys::derive(&current, self.previous.as_ref())?)
    }
}

/// Whether a file with this mode and owner could be read by other users of the machine.
///
/// The rule of libpq for private keys: the owner alone, or, where root is the owner, its group as well.
/// A Kubernetes Secret is the latter: root's files, whose group is `fsGroup`.
pub(super) const fn is_exposed(mode: u32, owner: u32) -> bool {
    mode & if owner == ROOT { 0o037 } else { 0o077 } != 0
}

/// Reads a secret as people keep it: hexadecimal, base64, or bytes as they are.
pub(super) fn decode(mut bytes: Vec<u8>) -> Secret<Vec<u8>> {
    let text = bytes.trim_ascii();
    // Hexadecimal first: its digits are base64 as well.
    let is_hex = !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit);
    let bare = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"="));
    let bare = bare.unwrap_or(text);
    // A passphrase may be base64 by chance; what decodes to too little is taken as it is written.
    let long_enough = |decoded: &Vec<u8>| decoded.len() >= SECRET_BYTES;
    let decoded = if is_hex {
        HEXLOWER_PERMISSIVE.decode(text).ok()
    } else {
        let base64 = [BASE64_NOPAD, BASE64URL_NOPAD];
        base64
            .iter()
            .find_map(|base64| base64.decode(bare).ok().filter(long_enough))
    };
    let secret = decoded.unwrap_or_else(|| match std::str::from_utf8(text) {
        Ok(_) => text.to_vec(),
        // No text: whatever looks like a blank at its ends is part of it.
        Err(_) => bytes.clone(),
    });
    bytes.zeroize();
    Secret::new(secret)
}

fn make(path: &Path, is_named: bool, entropy: &Entropy) -> io::Result<Secret<Vec<u8>>> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let opened = OpenOptions::new()
        .write(true)
        // Of two processes that start at once, one makes the secret and the other reads it.
        .create_new(true)
        // With the mode from the beginning: after a `chmod`, somebody could have it open already.
        .mode(0o600)
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        // Another process of ours was faster: its secret is the one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return std::fs::read(path).map(decode);
        }
        Err(error) => return Err(error),
    };
    let secret = Secret::new(entropy.bytes::<SECRET_BYTES>().to_vec());
    let mut line = HEXLOWER.encode(secret.expose());
    line.push('\n');
    // What was sealed with a secret that a crash has lost can never be read again.
    let written = file
        .write_all(line.as_bytes())
        .and_then(|()| file.sync_all());
    line.zeroize();
    written?;
    let path = path.display();
    if is_named {
        tracing::warn!(
            %path,
            "the file of `secret` was not there, and a new secret was made: sessions and authenticator \
             apps of another secret cannot be read; if there was one, restore it and restart"
        );
    } else {
        tracing::info!(%path, "made a new secret; keep it, and keep it to yourself");
    }
    Ok(secret)
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_read_in_every_usual_form() {
        let raw: Vec<u8> = (0..32).collect();
        let read = |text: String| decode(text.into_bytes()).expose().clone();
        assert_eq!(read(format!("{}\n", HEXLOWER.encode(&raw))), raw);
        assert_eq!(read(data_encoding::BASE64.encode(&raw)), raw);
        assert_eq!(read(format!("{}\n", BASE64URL_NOPAD.encode(&raw))), raw);
        assert_eq!(decode(vec![0xff; 33]).expose().len(), 33);
        let phrase = "a phrase of several words is taken as it is";
        assert_eq!(read(format!("{phrase}\n")), phrase.as_bytes());
    }

    #[test]
    fn short_hexadecimal_stays_short() {
        assert_eq!(
            decode(b"00112233445566778899aabbccddeeff".to_vec())
                .expose()
                .len(),
            16
        );
    }

    #[test]
    fn a_group_may_read_what_root_owns_and_no_stranger_anything() {
        for (mode, owner, exposed) in [
            (0o400, 0, false),
            (0o440, 0, false),
            (0o640, 0, false),
            (0o444, 0, true),
            (0o644, 0, true),
            (0o660, 0, true),
            (0o600, 65532, false),
            (0o440, 65532, true),
            (0o644, 65532, true),
        ] {
            assert_eq!(is_exposed(mode, owner), exposed, "{mode:o} of {owner}");
        }
    }

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!(
            "stepgate-secret-{}",
            HEXLOWER.encode(&Entropy::system().bytes::<8>())
        ));
        let path = folder.join("state").join("secret.key");
        let first = make(&path, false, &Entropy::system()).unwrap();
        let second = make(&path, true, &Entropy::system()).unwrap();
        assert_eq!(first, second);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
