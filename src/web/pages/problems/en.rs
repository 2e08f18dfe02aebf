//! What each reason means, in English.

super::explanations! {
    AmbiguousRequest =>
        "The request is ambiguous",
        "The address or the body of the request can be read in more than one way, or no honest client sends it.",
        "Open the page afresh and use its own links and forms. Programs: send each part of the request once, and the path in its plain form.";
    BodyTooLarge =>
        "The request is too large",
        "This action is guarded, its request has to be read to be judged, and it is larger than the limit.",
        "Send less at once. Whoever runs this site can raise body_limit.";
    ChallengeExpired =>
        "This verification has ended",
        "It has expired, was answered already, or belongs to another session or browser.",
        "Go back and try the action again; you will be asked afresh.";
    ConnectionAuthenticated =>
        "This connection is signed in by itself",
        "Your browser or program has signed in the connection to the application (NTLM or Negotiate). Whose request this would be cannot be told, so guarded actions are not taken on it.",
        "Repeat the request on another connection, without signing that one in. Whoever runs this site can let the application sign people in with a cookie.";
    CrossSite =>
        "This did not come from our own page",
        "Another site, or a page from another browser, tried to change something here.",
        "Open the page afresh and use its own buttons. Programs: send JSON, with `Content-Type: application/json`.";
    FactorLocked =>
        "This way to verify is locked",
        "There were too many failed attempts in a row, so it accepts no answer at all.",
        "Use another way to verify, or ask whoever runs this site to unlock it.";
    GrantExpired =>
        "The verification is too old",
        "You did verify for this action, but its time is over.",
        "Verify again, then repeat the action.";
    GrantMismatch =>
        "The verification was for something else",
        "You did verify, but for another request: some value of this one is different, or a stronger way is needed.",
        "Verify again for this request.";
    GrantSpent =>
        "The verification was used up",
        "A verification for this action is good for one request, and that request has been made.",
        "Verify again to repeat the action.";
    HeadTooLarge =>
        "The headers are too large",
        "The headers of the request, which hold all cookies of this site, are longer or more than the limit.",
        "Delete the cookies of this site and sign in again. Whoever runs it can raise limits.header_bytes and limits.headers.";
    InvalidUpstreamResponse =>
        "The application gave a broken answer",
        "What came back from the application is not one sound HTTP message, so it was not passed on.",
        "Try again later. If it goes on, tell whoever runs this site, with the number of the request.";
    LimitReached =>
        "Too much at once",
        "A limit on connections or concurrent work has been reached.",
        "Wait a moment and try again.";
    MailUnavailable =>
        "The e-mail could not be sent",
        "The mail server did not take the message, so no code is on its way.",
        "Try again in a moment, or choose another way to verify.";
    MethodNotEnrolled =>
        "No way to verify is set up",
        "This action accepts certain proofs of identity, and none of them is set up for your account.",
        "Ask whoever runs this site to set one up for you, then try again.";
    NotFound =>
        "There is nothing here",
        "Nothing lives at this address, or it does not answer to this method.",
        "Check the address, or start afresh from the first page of the site.";
    PasswordUnavailable =>
        "Your password cannot be checked now",
        "The application’s own login, which checks passwords, does not answer as it should. Your answer was not counted.",
        "Try again in a moment, or choose another way to verify.";
    PolicyDefaultDeny =>
        "Not allowed here",
        "The rules of this site name what is allowed, and this address is not among it.",
        "If you should be able to do this, tell whoever runs this site, with the number of the request.";
    RequestTimeout =>
        "The request came too slowly",
        "The request was not complete when the time for it was over.",
        "Check your connection and send it again. Whoever runs this site can allow more time.";
    SessionDisputed =>
        "Please sign in anew",
        "Somebody signed in or out, or tried to, with a session that this browser had already. Whose session this is now cannot be told for certain.",
        "Sign out if you still can, then sign in again. If it was not you, change your password.";
    SessionNotFresh =>
        "Your sign-in is too old for this",
        "You are signed in, but it was too long ago for this action.",
        "Verify, or sign out and in again.";
    SessionRequired =>
        "Please sign in first",
        "This action is guarded, and there is no sign-in that we know of behind this request.",
        "Sign in, then try again.";
    SessionRevoked =>
        "This session was ended",
        "You, or whoever runs this site, ended this session. It opens nothing any more.",
        "Sign in again. If it was not you who ended it, change your password.";
    SessionTimedOut =>
        "Your session has timed out",
        "It is older, or was idle for longer, than this site allows.",
        "Sign in again, then continue.";
    StepUpRequired =>
        "Verification required",
        "This action needs a fresh proof of identity.",
        "Verify in one of the ways that are offered, then repeat the action.";
    StoreUnavailable =>
        "This cannot be checked just now",
        "The place where verifications are kept does not answer. Guarded actions stay shut until it does; nothing was changed.",
        "Try again in a moment. If it goes on, tell whoever runs this site.";
    SubjectMismatch =>
        "You are signed in as somebody else now",
        "The application says that this session is another person's than the one who was verified in it. What was proved before does not count any more.",
        "Verify as the person you are signed in as, or sign in again.";
    SubjectUnavailable =>
        "It cannot be told just now who you are",
        "The application was asked who is signed in, and did not say it. Guarded actions stay shut until it does; nothing was changed.",
        "Try again in a moment. If it goes on, tell whoever runs this site.";
    TargetTooLong =>
        "The address is too long",
        "The address of the request, with all that follows its question mark, is longer than the limit.",
        "Use a shorter address. Whoever runs this site can raise limits.header_bytes.";
    TooManyAttempts =>
        "Too many attempts",
        "There were too many answers or codes in a short time, so no further one is accepted for now.",
        "Wait for the time given, then try again.";
    UpstreamTimeout =>
        "The application did not answer in time",
        "The request was passed on, and no answer came within the time allowed. It may or may not have had an effect.",
        "Check whether it had an effect before you repeat it. If it goes on, tell whoever runs this site.";
    UpstreamUnreachable =>
        "The application cannot be reached",
        "The application behind this address does not take connections, or hung up.",
        "Try again in a moment. If it goes on, tell whoever runs this site.";
    WrongAnswer =>
        "That answer is not right",
        "The password, the code or the phrase in `confirm` does not fit. A code may also have been used before, or be too old.",
        "Try again, with care: the number of attempts is limited.";
}
