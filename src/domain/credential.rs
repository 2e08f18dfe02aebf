//! What a user has enrolled: one entry for each thing, with its name and its times.

use super::{ByteReader, ByteWriter, Secret, Timestamp};

/// One credential of a user, as the factor of its kind wrote it. A kind may occur more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The word of the factor; this version need not know it.
    pub kind: String,
    /// What is needed to check an answer.
    pub data: Secret<Vec<u8>>,
}

/// The data of a credential that the person enrolled: what they see of it, and what its factor keeps.
///
/// A password, an authenticator app and an address have their own place in the record ([`User`](super::User)). Of
/// them an entry of their kind holds the times alone; there is none for what an operator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialEntry {
    /// Names it among those of its kind; random.
    pub id: [u8; 8],
    /// What the person calls it; empty where there can be only one.
    pub name: String,
    /// When it was enrolled.
    pub added_at: Timestamp,
    /// When it last proved who they are.
    pub used_at: Option<Timestamp>,
    /// What its factor keeps; never shown.
    pub secret: Secret<Vec<u8>>,
}

impl CredentialEntry {
    /// One that was enrolled at `now` and never used.
    pub const fn new(id: [u8; 8], now: Timestamp) -> Self {
        Self {
            id,
            name: String::new(),
            added_at: now,
            used_at: None,
            secret: Secret::new(Vec::new()),
        }
    }

    /// Reads the data of a credential; `None` for a layout that this version does not know.
    pub fn read(credential: &Credential) -> Option<Self> {
        let mut reader = ByteReader::new(credential.data.expose());
        (reader.byte()? == LAYOUT).then_some(())?;
        let entry = Self {
            id: reader.array()?,
            name: reader.text()?.to_owned(),
            added_at: reader.time()?,
            used_at: reader.optional(ByteReader::time)?,
            secret: Secret::new(reader.bytes()?.to_vec()),
        };
        reader.end()?;
        Some(entry)
    }

    /// Writes it as a credential of `kind`.
    pub fn write(&self, kind: &str) -> Credential {
        let mut out = ByteWriter::default();
        out.byte(LAYOUT)
            .array(&self.id)
            .text(&self.name)
            .time(self.added_at)
            .flag(self.used_at.is_some());
        if let Some(used_at) = self.used_at {
            out.time(used_at);
        }
        out.bytes(self.secret.expose());
        Credential {
            kind: kind.to_owned(),
            data: Secret::new(out.into_bytes()),
        }
    }

    /// The id as text: 16 hexadecimal digits.
    pub fn id_text(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.id)
    }
}

const LAYOUT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_and_another_layout_does_not() {
        let mut entry = CredentialEntry::new([7; 8], Timestamp::from_millis(5));
        entry.name = "Blue key".to_owned();
        entry.secret = Secret::new(vec![1, 2]);
        for used_at in [None, Some(Timestamp::from_millis(9))] {
            entry.used_at = used_at;
            let mut credential = entry.write("passkey");
            assert_eq!(CredentialEntry::read(&credential), Some(entry.clone()));
            let mut data = credential.data.expose().clone();
            data[0] = 2;
            credential.data = Secret::new(data);
            assert_eq!(CredentialEntry::read(&credential), None);
        }
    }
}
