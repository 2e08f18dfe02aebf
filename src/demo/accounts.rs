//! Who can log in to the demo's application, and by what.

/// An account of the application, which Stepgate's directory knows as well.
#[derive(Clone, Copy, Debug)]
pub struct DemoAccount {
    /// The name, in the application and in Stepgate's directory.
    pub name: &'static str,
    /// The password of the application's login.
    pub password: &'static str,
    /// The password of Stepgate's directory, another one: neither of the two checks the other's.
    pub step_up_password: &'static str,
    /// Where codes go; the inbox takes mail for any address.
    pub email: &'static str,
}

/// The account that the banner's steps use, up to its deletion.
pub const ALICE: DemoAccount = DemoAccount {
    name: "alice",
    password: "wonderland-1",
    step_up_password: "through-the-looking-glass",
    email: "alice@example.test",
};

/// The account that is left afterwards.
pub const BOB: DemoAccount = DemoAccount {
    name: "bob",
    password: "builder-2",
    step_up_password: "measure-twice-cut-once",
    email: "bob@example.test",
};

/// The application's session cookie.
pub const COOKIE: &str = "legacy_session";
