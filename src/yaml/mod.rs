//! Files in YAML: read as far as they can be, with every mistake pointed at by line and column.
//!
//! [`read`] gives a typed value and a [`File`]. The value has plain types; what they mean is checked
//! by the caller that asked for it, and reported to the file by [`Path`]. Size, depth and the expansion of
//! aliases are bounded. No other module names the YAML library.

mod diagnostic;
mod fault;
mod file;
mod locate;
mod node;
mod one_or_more;
mod quantity;
mod reader;
mod table;
mod tree;
mod words;

pub(crate) use diagnostic::is_unseen;
pub use diagnostic::{Diagnostic, Diagnostics, Position, Severity};
pub use file::{File, MAX_BYTES, read, read_hiding};
pub use locate::Path;
pub use one_or_more::OneOrMore;
pub use quantity::{Size, Span};
pub use table::Table;
pub use words::{clip, nearest, suggestion};
