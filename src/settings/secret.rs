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
    /// The file is not there, and nobody else could have it.
    ToBeMade(PathBuf),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be made.
    #[error("cannot make the secret file `{}`", path.display())]
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
            RootSecret::ToBeMade(path) => {
                make(path, entropy).map_err(|source| KeysError::Make {
                    path: path.clone(),
                    source,
                })?
            }
        };
        Ok(Keys::derive(&current, self.previous.as_ref())?)
    }
}

/// Reads a secret as people keep it: hexadecimal, base64, or bytes as they are.
pub(super) fn decode(mut bytes: Vec<u8>) -> Secret<Vec<u8>> {
    let text = bytes.trim_ascii();
    let is_hex = !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit);
    let bare = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"="));
    let bare = bare.unwrap_or(text);
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

fn make(path: &Path, entropy: &Entropy) -> io::Result<Secret<Vec<u8>>> {
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
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        // Another command of ours was faster: its secret is the one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return std::fs::read(path).map(decode);
        }
        Err(error) => return Err(error),
    };
    let secret = Secret::new(entropy.bytes::<SECRET_BYTES>().to_vec());
    let mut line = HEXLOWER.encode(secret.expose());
    line.push('\n');
    let written = file
        .write_all(line.as_bytes())
        .and_then(|()| file.sync_all());
    line.zeroize();
    written?;
    tracing::info!(path = %path.display(), "made a new secret; keep it, and keep it to yourself");
    Ok(secret)
}

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
    fn a_secret_is_made_once_and_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!(
            "stepgate-secret-{}",
            HEXLOWER.encode(&Entropy::system().bytes::<8>())
        ));
        let path = folder.join("state").join("secret.key");
        let first = make(&path, &Entropy::system()).unwrap();
        let second = make(&path, &Entropy::system()).unwrap();
        assert_eq!(first, second);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
