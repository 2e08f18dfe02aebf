//! What our pages show of the site that they stand on.

use crate::locale::Wording;
use bytes::Bytes;
use std::path::PathBuf;

/// What the pages show of the site.
#[derive(Clone, Debug)]
pub struct Brand {
    /// What the site is called; by its host, if this is not set.
    pub name: Option<String>,
    /// Its logo, in place of its name.
    pub logo: Option<Logo>,
    /// Where people get help: a web address or `mailto:`.
    pub support: Option<String>,
    /// Whether the foot of a page names us.
    pub is_credited: bool,
    /// Rules of style that follow our own.
    pub style: String,
    /// Changes with `style`.
    pub style_version: String,
    /// The texts, some of them the site's own.
    pub wording: Wording,
    /// The files that logo and style were read from.
    pub files: Vec<PathBuf>,
}

/// A logo, in one picture or in two.
#[derive(Clone, Debug)]
pub struct Logo {
    /// On light ground.
    pub light: Picture,
    /// On dark ground, if that is another one.
    pub dark: Option<Picture>,
}

/// A picture as it is served.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The file.
    pub bytes: Bytes,
    /// What its bytes are.
    pub media_type: &'static str,
    /// Changes with its bytes.
    pub version: String,
}

impl Logo {
    /// The picture that is served as `logo`, or `logo/dark`.
    pub(crate) fn picture(&self, name: &str) -> Option<&Picture> {
        match name {
            "logo" => Some(&self.light),
            "logo/dark" => self.dark.as_ref(),
            _ => None,
        }
    }
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: None,
            logo: None,
            support: None,
            is_credited: true,
            style: String::new(),
            style_version: String::new(),
            wording: Wording::default(),
            files: Vec::new(),
        }
    }
}
