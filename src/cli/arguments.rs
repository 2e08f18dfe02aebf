//! What may be written on the command line.

mod user;

pub(super) use user::{
    ImportFormat, UserAdd, UserCommand, UserImport, UserName, UserPasskeys, UserPasswd, UserSet,
    UserShow, UserTotp,
};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Step-up authentication for web applications that nobody can change.
#[derive(Debug, Parser)]
#[command(
    name = "stepgate",
    version,
    after_help = "\
Examples:
  stepgate check                     find every mistake in ./stepgate.yaml and its policies
  stepgate serve -c /etc/stepgate/stepgate.yaml
  stepgate explain DELETE /users/42  which routes guard this, and what would pass

Exit codes: 0 all is well, 1 it did not work, 64 bad configuration or usage."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the sidecar
    Serve(Serve),
    /// Finds every mistake in the settings and the policies
    Check(CheckArguments),
    /// Tells which routes guard a request, what is required, and what would pass
    Explain(Explain),
    /// Writes the session settings from one login and one logout: a HAR file, or a recording proxy
    Learn(LearnArguments),
    /// Keeps the directory: who can prove what
    #[command(subcommand)]
    User(UserCommand),
    /// Lists and ends sessions
    #[command(subcommand)]
    Session(SessionCommand),
    /// Tells from the audit log who would have been asked, who could not answer, and which routes never matched
    Report(ReportArguments),
    /// Checks audit logs
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Runs a small old application with Stepgate in front of it
    #[cfg_attr(not(feature = "demo"), command(hide = true))]
    Demo(Demo),
    /// Writes the completions of a shell
    Completions(Completions),
    /// Writes the manual page
    Man(Man),
}

/// Where the settings are.
#[derive(Clone, Debug, Args)]
pub(super) struct Config {
    /// The settings file
    #[arg(
        short,
        long = "config",
        value_name = "FILE",
        default_value = "stepgate.yaml"
    )]
    pub(super) config: PathBuf,
}

/// What a command needs that changes something.
#[derive(Debug, Args)]
pub(super) struct Acting {
    #[command(flatten)]
    pub(super) config: Config,
    /// Who acts, for the audit log; your login name if it is not said. The user id is recorded in any case
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) by: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Signals: SIGTERM and SIGINT finish what is under way and end (twice: at once);
SIGHUP reads the policies again and opens the audit log anew.

Examples:
  stepgate serve
  stepgate serve -c /etc/stepgate/stepgate.yaml --log debug
  STEPGATE_LOG=info,stepgate::proxy=debug stepgate serve")]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) config: Config,
    /// What is logged, in place of `log.level`: error, warn, info, debug, trace, or directives
    #[arg(long, value_name = "LEVEL")]
    pub(super) log: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stepgate check
  stepgate check -c /etc/stepgate/stepgate.yaml --warnings-are-errors
  stepgate check --online            before the first start, and after a change of what is around")]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) config: Config,
    /// Fail if there is a warning, too
    #[arg(long)]
    pub(super) warnings_are_errors: bool,
    /// Ask the application, its keys and whoami, Redis and the mail server as well; nothing is changed or sent
    #[arg(long)]
    pub(super) online: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stepgate explain POST /account/email
  stepgate explain POST https://app.example.com/admin/users --form action=delete_selected
  stepgate explain POST /graphql --json '{\"query\": \"mutation { deleteUser(id: 1) { id } }\"}'
  stepgate explain DELETE /users/42 --user alice")]
pub(super) struct Explain {
    /// The method of the request
    pub(super) method: String,
    /// Its path and query, or a whole URL
    pub(super) url: String,
    #[command(flatten)]
    pub(super) config: Config,
    /// A header of the request
    #[arg(long, value_name = "NAME:VALUE")]
    pub(super) header: Vec<String>,
    /// A field of an urlencoded form
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) form: Vec<String>,
    /// A JSON body
    #[arg(long, value_name = "TEXT", conflicts_with = "form")]
    pub(super) json: Option<String>,
    /// Tell by which factors this user of the directory could pass
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// One JSON document instead of columns
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) config: Config,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  stepgate session list --user alice
  stepgate session revoke 3f9a1c0d2b4e
  stepgate session revoke --user alice")]
pub(super) enum SessionCommand {
    /// Lists the sessions that are known, newest first
    #[command(after_help = "Example:\n  stepgate session list --user alice --json")]
    List(SessionListArguments),
    /// Drops what was proved in one session or in all of a user; they stay signed in
    #[command(after_help = "\
Example:
  stepgate session lock --user alice")]
    Lock(SessionChoice),
    /// Ends sessions for good: they are refused everywhere
    #[command(after_help = "\
Examples:
  stepgate session revoke 3f9a1c0d       its first 8 digits or more
  stepgate session revoke --user alice   all of them
  stepgate session revoke --user alice --by 'Anna, ticket 4711'")]
    Revoke(SessionChoice),
}

#[derive(Debug, Args)]
pub(super) struct SessionListArguments {
    /// Only this user's
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    pub(super) most: usize,
    #[command(flatten)]
    pub(super) list: List,
}

#[derive(Debug, Args)]
pub(super) struct SessionChoice {
    /// The session: the first 8 digits of its id, or more
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    pub(super) id: Option<String>,
    /// All sessions of this user
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  stepgate audit verify /var/log/stepgate/audit.log")]
pub(super) enum AuditCommand {
    /// Checks that no line was changed, removed or added
    #[command(after_help = "\
The chain cannot show that the end was cut off: compare `last` and `head` with what was shipped
elsewhere.

Examples:
  stepgate audit verify audit.log
  zcat audit.log.1.gz | stepgate audit verify -")]
    Verify(AuditVerify),
}

#[derive(Debug, Args)]
pub(super) struct AuditVerify {
    /// The log; `-` is standard input
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A dry run: nothing is guarded, nothing is kept, and no password, cookie or token is in what is
printed. Try one wrong password, sign in, open a page that shows who you are, and sign out; the more
of these, the surer the settings.

A HAR file is what browsers save of that by “Save all as HAR” (developer tools, tab “Network”, with
“Preserve log” on). Chromium leaves the cookies out, unless “Allow to generate HAR with sensitive
data” is on in the settings of its tools. The file itself holds the password: delete it afterwards.

Examples:
  stepgate learn login.har
  stepgate learn --upstream http://127.0.0.1:3000                   then open http://127.0.0.1:8080/
  stepgate learn --upstream http://127.0.0.1:3000 --listen 127.0.0.1:9000 > session.yaml")]
pub(super) struct LearnArguments {
    /// A HAR file; `-` is standard input
    #[arg(
        value_name = "HAR",
        required_unless_present = "upstream",
        conflicts_with = "upstream"
    )]
    pub(super) har: Option<PathBuf>,
    /// Record what passes to this application
    #[arg(long, value_name = "URL")]
    pub(super) upstream: Option<String>,
    /// Where to listen for that
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,
    /// The application, where a HAR file has requests to several; the first with a login, if it is not said
    #[arg(long, value_name = "ORIGIN", conflicts_with = "upstream")]
    pub(super) origin: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Before you enforce a route, have it report: `enforcement: report` in the policy. Then this tells
whom it would have asked, and who of them has no factor that it accepts. The log is that of the
settings, if no file is named.

Examples:
  stepgate report
  stepgate report --since 7d
  stepgate report /var/log/stepgate/audit.log*           rotated files as well, packed or not
  stepgate report --json audit.log | jq '.without_usable_factor[].user'
  kubectl logs deploy/app -c stepgate | grep '^{\"seq\"' | stepgate report -")]
pub(super) struct ReportArguments {
    /// Files of the log, in any order; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Count only what happened since: an age such as `24h` or `7d`, a day, or a point in time
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<String>,
    /// At most so many people in each list
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub(super) most: usize,
    /// One JSON document, with all of them
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) config: Config,
}

#[derive(Debug, Args)]
#[cfg_attr(not(feature = "demo"), allow(dead_code))] // read, so that the answer is not a usage error
#[command(after_help = "\
Examples:
  stepgate demo
  stepgate demo --listen 127.0.0.1:9000 --state /tmp/my-demo
  stepgate demo --listen 0.0.0.0:8080 --inbox 0.0.0.0:8081   open to other machines
  stepgate demo --app-only --listen 0.0.0.0:8000")]
pub(super) struct Demo {
    /// Where to listen; if nothing is said and the port is taken, the next free one
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,
    /// Where the page with the mailed codes is; any free port, if nothing is said
    #[arg(long, value_name = "ADDRESS", conflicts_with = "app_only")]
    pub(super) inbox: Option<SocketAddr>,
    /// Keep settings, policies and state in this folder, rather than in a new one that is removed
    #[arg(long, value_name = "FOLDER", conflicts_with = "app_only")]
    pub(super) state: Option<PathBuf>,
    /// Run the application alone, without Stepgate
    #[arg(long)]
    pub(super) app_only: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stepgate completions bash > /usr/share/bash-completion/completions/stepgate
  stepgate completions zsh > /usr/share/zsh/site-functions/_stepgate
  source <(stepgate completions bash)")]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stepgate man | man -l -
  stepgate man --into /usr/share/man/man1   a page of each command")]
pub(super) struct Man {
    /// Write a page of each command into this folder instead
    #[arg(long, value_name = "FOLDER")]
    pub(super) into: Option<PathBuf>,
}
