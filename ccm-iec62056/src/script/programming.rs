//! Programming mode: sign-on, password, commands, break (6.4).

use super::{Answer, Challenge, Reading};
use crate::{Command, Error, Identification, Policy, Request, Response};

/// Signs on, gives the password, carries out commands one after the other, and hangs up, also after a failure.
///
/// Which exchange a response belongs to says [`command`](Self::command).
#[derive(Debug)]
pub struct Programming<'a, C> {
    opening: Reading<'a>,
    challenge: C,
    commands: &'a [Command<'a>],
    answer: Option<Answer>,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Opening,
    Password,
    /// The command with this number is on the line.
    Command(usize),
    Exit(Option<Error>),
}

impl<'a, C: Challenge> Programming<'a, C> {
    /// These commands, at the meter with this address.
    pub const fn new(policy: &Policy, address: &'a [u8], challenge: C, commands: &'a [Command<'a>]) -> Self {
        let opening = Reading::new(policy, address).programming();
        Self { opening, challenge, commands, answer: None, step: Step::Opening }
    }

    /// What the meter said it is.
    pub fn identification(&self) -> Option<Identification<'_>> {
        self.opening.identification()
    }

    /// The number of the command whose exchange was given last; nothing for all other exchanges.
    pub const fn command(&self) -> Option<usize> {
        match self.step {
            Step::Command(number) => Some(number),
            _ => None,
        }
    }

    /// Takes what the exchange before brought and says the next; nothing when all is done.
    ///
    /// # Errors
    /// What the first failing exchange failed with, after the dialogue was ended properly.
    pub fn next(
        &mut self,
        outcome: Option<Result<Response<'_>, Error>>,
    ) -> Result<Option<Request<'_>>, Error> {
        match (self.step, outcome) {
            (Step::Exit(None), _) => Ok(None),
            (Step::Exit(Some(error)), _) => Err(error),
            (Step::Opening, outcome) => self.open(outcome),
            // The meter has hung up by itself.
            (_, Some(Err(Error::Break))) => Err(Error::Break),
            (_, Some(Err(error))) => Ok(self.exit(Some(error))),
            (Step::Password, Some(Ok(Response::Acknowledged))) => Ok(self.begin(0)),
            (Step::Command(number), Some(Ok(_))) => Ok(self.begin(number + 1)),
            _ => Ok(self.exit(Some(Error::Unexpected))),
        }
    }

    fn open(&mut self, outcome: Option<Result<Response<'_>, Error>>) -> Result<Option<Request<'_>>, Error> {
        let Some(Ok(Response::Prompt { seed, .. })) = outcome else {
            let request = self.opening.next(outcome)?;
            // Data in place of the wish for a password: the meter has no programming mode.
            return request.map(Some).ok_or(Error::Unexpected);
        };
        self.answer = match self.challenge.answer(seed) {
            Ok(answer) => answer,
            Err(error) => return Ok(self.exit(Some(error.into()))),
        };
        if self.answer.is_none() {
            return Ok(self.begin(0));
        }
        self.step = Step::Password;
        let password = self.answer.as_ref().map(|answer| Command::password(answer.kind, &answer.text));
        Ok(password.map(Request::Command))
    }

    fn begin(&mut self, number: usize) -> Option<Request<'_>> {
        self.answer = None;
        let Some(command) = self.commands.get(number) else { return self.exit(None) };
        self.step = Step::Command(number);
        Some(Request::Command(*command))
    }

    fn exit(&mut self, error: Option<Error>) -> Option<Request<'_>> {
        self.step = Step::Exit(error);
        Some(Request::Command(Command::exit()))
    }
}
