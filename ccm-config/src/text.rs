//! The TOML form.

use std::boxed::Box;
use std::string::{String, ToString};

use crate::{Draft, Problems, Settings};

/// Why a TOML text holds no settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TomlError {
    /// The text is not TOML, has a key that is not known, lacks one, or gives one something it cannot hold.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The text is well formed, but what it says is not possible.
    #[error(transparent)]
    Problems(Box<Problems>),
    /// The settings cannot be written.
    #[error("the settings cannot be written as TOML: {message}")]
    Write {
        /// Why not.
        message: String,
    },
}

impl Draft {
    /// Reads a TOML text.
    ///
    /// # Errors
    ///
    /// [`TomlError::Syntax`], with the line.
    ///
    /// ```
    /// use ccm_config::Draft;
    ///
    /// let error = Draft::from_toml("[portal]\nport = 8080\n").unwrap_err();
    /// assert_eq!(error.to_string(), "line 2, column 1: unknown field `port`, expected `listen`");
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, TomlError> {
        toml::from_str(text).map_err(|error| syntax_error(text, &error))
    }

    /// Writes a TOML text.
    ///
    /// # Errors
    ///
    /// [`TomlError::Write`].
    pub fn to_toml(&self) -> Result<String, TomlError> {
        toml::to_string(self).map_err(|error| TomlError::Write { message: error.to_string() })
    }
}

impl Settings {
    /// Reads a TOML text and checks it. `known_model` says whether the catalogue of devices has a model.
    ///
    /// # Errors
    ///
    /// [`TomlError::Syntax`] with the line, or [`TomlError::Problems`] with all fields that are wrong.
    ///
    /// ```
    /// use ccm_config::Settings;
    ///
    /// let settings = Settings::from_toml("[[ports]]\nid = \"lan\"\ntcp = \"192.0.2.10:502\"\n", |_| true)?;
    /// assert_eq!(settings.ports()[0].timeout_ms, 500);
    /// # Ok::<(), ccm_config::TomlError>(())
    /// ```
    pub fn from_toml(text: &str, known_model: impl Fn(&str) -> bool) -> Result<Self, TomlError> {
        let draft = Draft::from_toml(text)?;
        draft.check(known_model).map_err(|problems| TomlError::Problems(Box::new(problems)))
    }

    /// Writes a TOML text with all defaults said.
    ///
    /// # Errors
    ///
    /// [`TomlError::Write`].
    pub fn to_toml(&self) -> Result<String, TomlError> {
        self.draft().to_toml()
    }
}

fn syntax_error(text: &str, error: &toml::de::Error) -> TomlError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
    let column = before.get(line_start..).unwrap_or_default().chars().count().saturating_add(1);
    let line = before.matches('\n').count().saturating_add(1);
    TomlError::Syntax { line, column, message: error.message().trim().replace('\n', ", ") }
}
