//! `stepgate user totp`: shows a TOTP secret, once.

use super::arguments::UserTotp;
use super::error::CliError;
use super::output::Output;
use super::store::{Context, act_on_store};
use crate::audit::EventKind;
use crate::domain::{Factor, Secret, User};
use crate::entropy::Entropy;
use crate::verification::TotpSecret;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

pub(super) fn run(arguments: &UserTotp, out: &mut Output) -> Result<(), CliError> {
    act_on_store(&arguments.acting, async |context| {
        let user = context.known_user(&arguments.name).await?;
        if arguments.remove {
            forget(&context, user, out).await
        } else if user.totp.is_some() && !arguments.replace {
            let message = format!(
                "`{}` has an authenticator app already; `--replace` makes its codes good no more, \
                 and shows a new secret",
                user.id
            );
            Err(CliError::Impossible(message))
        } else {
            let issuer = arguments.issuer.as_deref();
            Box::pin(enroll(&context, user, issuer, out)).await
        }
    })
}

async fn forget(context: &Context, mut user: User, out: &mut Output) -> Result<(), CliError> {
    user.totp = None;
    let put = context.store.put_user(&user);
    context
        .act_on_user(EventKind::FactorRemoved, Some(Factor::Totp), &user.id, put)
        .await?;
    writeln!(out, "forgot the authenticator app of `{}`", user.id)?;
    Ok(())
}

async fn enroll(
    context: &Context,
    mut user: User,
    issuer: Option<&str>,
    out: &mut Output,
) -> Result<(), CliError> {
    let entropy = Entropy::system();
    let keys = context.settings.secrets.keys(&entropy)?;
    let secret = TotpSecret::generate(&entropy);
    let issuer = issuer.unwrap_or_else(|| context.settings.site());
    let failed =
        |error| CliError::Impossible(format!("no authenticator app could read it: {error}"));
    let uri = secret.to_uri(issuer, user.id.as_str()).map_err(failed)?;
    // Stored before it is shown: what an app has scanned is in force.
    user.totp = Some(secret.seal(&user.id, &keys, &entropy));
    let put = context.store.put_user(&user);
    context
        .act_on_user(EventKind::FactorSet, Some(Factor::Totp), &user.id, put)
        .await?;
    writeln!(
        out,
        "Authenticator app for `{}`; this is shown once.",
        user.id
    )?;
    if out.is_terminal() {
        show_qr(&uri, out)?;
    }
    writeln!(out, "secret  {}", secret.to_base32().expose())?;
    writeln!(out, "uri     {}", uri.expose())?;
    Ok(())
}

fn show_qr(uri: &Secret<String>, out: &mut Output) -> Result<(), CliError> {
    // A URI too long for a QR code is printed as text only.
    if let Ok(code) = QrCode::new(uri.expose()) {
        // Light on dark reads on most terminals; apps read both.
        let mut picture = code.render::<Dense1x2>();
        let picture = picture
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build();
        writeln!(out, "\n{picture}\n")?;
    }
    Ok(())
}
