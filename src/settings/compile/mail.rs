//! The mail server that sends the codes.

use super::Draft;
use super::client_side::ListenSettings;
use crate::domain::Origin;
use crate::mail::{MailSettings, MailSetupError, Security, SmtpLogin, SmtpSettings};
use crate::settings::raw::{RawMail, RawSecurity};
use crate::yaml::{Path, clip};

pub(super) fn compile(
    raw: Option<&RawMail>,
    client_side: &ListenSettings,
    draft: &mut Draft<'_>,
) -> Option<MailSettings> {
    let raw = raw?;
    let section = Path::root().key("mail");
    let at = |field: &str| section.key(field);
    let hint = "the mail server, such as `smtp.example.com:587`";
    let smtp = draft.needed(raw.smtp.as_ref(), &section, "smtp", hint);
    let smtp = smtp.and_then(|text| host_and_port(text, draft));
    let hint = "who the mails are from, such as `Example <no-reply@example.com>`";
    let from = draft.needed(raw.from.as_ref(), &section, "from", hint);
    let login = login(raw, draft);
    let ca = raw.ca.as_ref();
    let ca_file = ca.and_then(|ca| draft.existing(ca, &at("ca")));
    let (host, port) = smtp?;
    let mut smtp = SmtpSettings::new(host);
    smtp.port = port;
    smtp.security = match raw.security {
        Some(RawSecurity::Plain) => Security::Plain,
        Some(RawSecurity::StartTls) => Security::StartTls,
        Some(RawSecurity::Tls) => Security::Tls,
        None => smtp.security,
    };
    smtp.login = login;
    smtp.ca_file = ca_file;
    smtp.helo.clone_from(&raw.helo);
    smtp.deadline = draft.span(raw.timeout, smtp.deadline, &at("timeout"));
    let host = client_side.public_origin().map(Origin::host);
    let brand = client_side.brand();
    let name = raw.site.as_deref().or(brand.name.as_deref());
    let site = name.or(host).unwrap_or("this site");
    let mut settings = MailSettings::new(smtp, from?, site);
    settings.from_name = name.map(str::to_owned);
    settings.wording = brand.wording.clone();
    settings.patience = draft.span(raw.patience, settings.patience, &at("patience"));
    settings.queue = draft.count(raw.queue, settings.queue, &at("queue"));
    settings.connections = draft.count(raw.connections, settings.connections, &at("connections"));
    if let Err(error) = settings.check() {
        let field = match &error {
            MailSetupError::CaFile { .. } | MailSetupError::Tls(_) => at("ca"),
            MailSetupError::PasswordInTheOpen { .. } => at("password"),
            MailSetupError::Sender(..) => at("from"),
            MailSetupError::Thread(_) => section.clone(),
        };
        draft.file.report(&field, crate::telemetry::chain(&error));
    }
    Some(settings)
}

fn login(raw: &RawMail, draft: &mut Draft<'_>) -> Option<SmtpLogin> {
    let at = Path::root().key("mail").key("password");
    let password = raw.password.as_ref();
    let password = password.and_then(|raw| draft.password(raw, &at));
    match (&raw.user, &raw.password) {
        (Some(user), Some(_)) => Some(SmtpLogin {
            user: user.clone(),
            password: password?,
        }),
        (Some(_), None) => {
            draft.missing(
                &Path::root().key("mail"),
                "password",
                "`{ file: … }` or `{ env: … }`",
            );
            None
        }
        (None, Some(_)) => {
            draft.missing(&Path::root().key("mail"), "user", "whom to log in as");
            None
        }
        (None, None) => None,
    }
}

fn host_and_port(text: &str, draft: &mut Draft<'_>) -> Option<(String, Option<u16>)> {
    let authority = text.parse::<http::uri::Authority>().ok();
    let sound = authority.filter(|authority| {
        let has_port = authority.port().is_none() || authority.port_u16().is_some();
        // `user` and `password` say who logs in; a name here would have no effect.
        !authority.host().is_empty() && !text.contains('@') && has_port
    });
    let Some(authority) = sound else {
        let message = format!("`{}` is not a mail server", clip(text));
        let hint = "a host, or a host and a port, such as `smtp.example.com:587`";
        draft.file.report_with_hint("mail.smtp", message, hint);
        return None;
    };
    // An IPv6 address has brackets only beside a port.
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    Some((host.to_owned(), authority.port_u16()))
}
