//! What may be written after `stepgate user`.

use super::{Acting, List};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Passwords are asked on the terminal, or read from standard input; never from the command line. All
of this works while sidecars run. Each change is in the audit log, with who made it; if it cannot be
recorded there, nothing is changed.

Examples:
  stepgate user add alice --email alice@example.com
  printf %s \"$PASSWORD\" | stepgate user add bob --password-stdin
  stepgate user totp alice
  stepgate user bootstrap carol
  stepgate user import users.csv --dry-run
  stepgate user remove bob --by 'Anna, ticket 4711'
  stepgate user list --json")]
pub(in crate::cli) enum UserCommand {
    /// Adds a user: the name is the one under which the application knows them
    #[command(after_help = "\
Examples:
  stepgate user add alice --email alice@example.com
  stepgate user add carol --email carol@example.com --no-password --alias carol@example.com
  printf %s \"$PASSWORD\" | stepgate user add bob --password-stdin")]
    Add(UserAdd),
    /// Adds many users from a file: CSV, htpasswd, or Django's dumpdata
    #[command(after_help = "\
Columns of a CSV file, by its first line: name, email, password_hash, aliases (several with blanks
between). Hashes are read as argon2, bcrypt, scrypt, PBKDF2, SHA-crypt and MD5-crypt write them, and
are replaced by argon2id when the user next gives the password. A line that cannot be taken is
named, and all others are.

Examples:
  stepgate user import users.csv --dry-run
  stepgate user import /etc/apache2/.htpasswd
  manage.py dumpdata auth.user | stepgate user import - --format django --replace")]
    Import(UserImport),
    /// Lists all users
    #[command(after_help = "Example:\n  stepgate user list --json")]
    List(List),
    /// Shows a user, and what is locked
    #[command(after_help = "Example:\n  stepgate user show alice --json")]
    Show(UserShow),
    /// Changes a user's name, address or aliases
    #[command(after_help = "\
Examples:
  stepgate user set alice --email alice@example.org
  stepgate user set alice --rename alice.smith --alias alice
  stepgate user set alice --no-email --no-alias old-name")]
    Set(UserSet),
    /// Sets a user's password
    #[command(after_help = "\
Examples:
  stepgate user passwd alice
  printf %s \"$PASSWORD\" | stepgate user passwd alice --password-stdin")]
    Passwd(UserPasswd),
    /// Enrolls an authenticator app: shows the secret once, as text and as QR code
    #[command(after_help = "\
Examples:
  stepgate user totp alice
  stepgate user totp alice --issuer 'Example Corp'
  stepgate user totp alice --replace     a new secret; the old one is good no more
  stepgate user totp alice --remove")]
    Totp(UserTotp),
    /// Lists a user's passkeys, or takes one away that is lost; people add their own
    #[command(after_help = "\
Examples:
  stepgate user passkeys alice
  stepgate user passkeys alice --remove 8f14e45fceea167a")]
    Passkeys(UserPasskeys),
    /// Makes a code by which somebody sets up their first way to prove who they are
    #[command(after_help = "\
The code is shown once, and works once within 24 hours, for whoever has signed in to the application
as that user. Hand it to them in person, or by another way than mail: they enter it on the page
`/.stepup/enroll`. A new one takes the place of one that is not used yet.

Examples:
  stepgate user bootstrap alice
  stepgate user bootstrap carol@example.com --by 'Anna, ticket 4711'")]
    Bootstrap(UserName),
    /// Removes a user
    #[command(after_help = "Example:\n  stepgate user remove alice")]
    Remove(UserName),
    /// Clears the failures that lock a user's factors
    #[command(after_help = "Example:\n  stepgate user unlock alice")]
    Unlock(UserName),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UserAdd {
    /// The name, as the application knows it
    pub(in crate::cli) name: String,
    /// Where codes are sent
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) email: Option<String>,
    /// Another name by which the application may know the same user
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) alias: Vec<String>,
    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with = "no_password")]
    pub(in crate::cli) password_stdin: bool,
    /// Set no password: the user proves themselves in other ways
    #[arg(long)]
    pub(in crate::cli) no_password: bool,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UserImport {
    /// The file; `-` is standard input
    pub(in crate::cli) file: PathBuf,
    /// What the file is; found out by itself if it is not said
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::cli) format: Option<ImportFormat>,
    /// Only tell what would be done
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Replace the address, password and aliases of users that there are; an authenticator app stays
    #[arg(long)]
    pub(in crate::cli) replace: bool,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

/// What a file of users is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ImportFormat {
    /// With the names of the columns in the first line
    Csv,
    /// The JSON of `manage.py dumpdata auth.user`
    Django,
    /// `name:hash` lines
    Htpasswd,
}

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true, args = ["email", "no_email", "rename", "alias", "no_alias"])]
pub(in crate::cli) struct UserSet {
    /// The user
    pub(in crate::cli) name: String,
    /// Where codes are sent
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_email")]
    pub(in crate::cli) email: Option<String>,
    /// Forget the address
    #[arg(long)]
    pub(in crate::cli) no_email: bool,
    /// The name, as the application knows it from now on
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) rename: Option<String>,
    /// Another name by which the application may know the same user
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) alias: Vec<String>,
    /// Forget such a name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) no_alias: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UserShow {
    /// The user
    pub(in crate::cli) name: String,
    #[command(flatten)]
    pub(in crate::cli) list: List,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UserPasswd {
    /// The user
    pub(in crate::cli) name: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(in crate::cli) password_stdin: bool,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UserTotp {
    /// The user
    pub(in crate::cli) name: String,
    /// What the authenticator app calls the application
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) issuer: Option<String>,
    /// Put a new secret in the place of one that there is; codes of the old one are good no more
    #[arg(long)]
    pub(in crate::cli) replace: bool,
    /// Forget the secret instead
    #[arg(long, conflicts_with_all = ["issuer", "replace"])]
    pub(in crate::cli) remove: bool,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UserPasskeys {
    /// The user
    pub(in crate::cli) name: String,
    /// The one to take away
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) remove: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UserName {
    /// The user
    pub(in crate::cli) name: String,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}
