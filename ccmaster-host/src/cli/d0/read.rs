//! `ccmaster d0 read`.

use ccm_iec62056::script::Reading;
use ccm_iec62056::{Identification, Mode, Request, Response, Select, Wanted};

use super::arguments::{ModeArg, Read};
use super::dialogue::Dialogue;
use super::output::Printer;
use crate::cli::Failure;
use crate::cli::stop::{Stop, complain, end, print, say};

/// Reads a meter out.
pub(in crate::cli) async fn run(read: Read) -> Result<(), Failure> {
    let result = attempt(&read).await;
    end(read.talk.json, result)
}

async fn attempt(read: &Read) -> Result<bool, Stop> {
    if read.codes.len() > MOST_CODES {
        return Err(Stop::Misuse(format!("--codes takes {MOST_CODES} codes at most")));
    }
    let pushes = read.mode == ModeArg::D;
    let line = read.talk.line(if pushes { PUSH } else { START });
    let link = read.place.open(line).await?;
    let sink = Wanted::new(&read.codes, Printer::new(read.talk.json, pushes));
    let mut dialogue = Dialogue::new(link, line, read.talk.policy(read.binary), sink);
    match pushes {
        true => dialogue.exchange(Request::Listen { baud: Some(PUSH) }).await?,
        false => follow(read, &mut dialogue).await?,
    }
    conclude(read, &mut dialogue)
}

/// Signs on and does what the meter's answer and `--mode` say.
async fn follow(read: &Read, dialogue: &mut Dialogue<Wanted<'_, Printer>>) -> Result<(), Stop> {
    let mut script = script(read);
    let mut request = script.next(None)?;
    while let Some(next) = request {
        dialogue.exchange(next).await?;
        if let Response::Identification(identification) = dialogue.outcome()?
            && let Some(forced) = forced(read.mode, &identification)?
        {
            return dialogue.exchange(forced).await;
        }
        request = script.next(Some(dialogue.outcome()))?;
    }
    Ok(())
}

fn script(read: &Read) -> Reading<'_> {
    let mut script = Reading::new(&read.talk.policy(read.binary), read.talk.address.as_bytes());
    if let Some(table) = read.table {
        script = script.with_table(b'0' + table);
    }
    if let Some((protocol, option)) = read.option {
        script = script.with_option(protocol, option);
    }
    if read.binary { script.binary() } else { script }
}

/// What `--mode` has follow in place of what the meter offers; nothing where they agree.
fn forced(mode: ModeArg, identification: &Identification<'_>) -> Result<Option<Request<'static>>, Stop> {
    let offered = identification.mode();
    match (mode, offered) {
        (ModeArg::A, Mode::A) | (ModeArg::B, Mode::B) | (ModeArg::E, Mode::E) => Ok(None),
        (ModeArg::Auto | ModeArg::D, _) | (ModeArg::C, Mode::C | Mode::E) => Ok(None),
        (ModeArg::A, _) => Ok(Some(Request::Listen { baud: None })),
        (ModeArg::C, _) => Ok(Some(Request::Select(Select { protocol: b'0', speed: b'0', option: b'0' }))),
        (ModeArg::B | ModeArg::E, _) => {
            Err(Stop::failed("unexpected", format!("the meter offers mode {offered:?}, not {mode:?}")))
        }
    }
}

fn conclude(read: &Read, dialogue: &mut Dialogue<Wanted<'_, Printer>>) -> Result<bool, Stop> {
    let (check, whole) = match dialogue.outcome()? {
        Response::Data { check, whole, .. } => (check, whole),
        Response::Binary(line) => return binary(read.talk.json, line.baud),
        _ => return Err(ccm_iec62056::Error::Unexpected.into()),
    };
    let missing = whole && !read.codes.is_empty() && !dialogue.sink().is_complete();
    let wanted = std::mem::replace(dialogue.sink(), Wanted::new(&[], Printer::new(false, false)));
    let good = wanted.into_inner().finish(check)?;
    if missing {
        complain(read.talk.json, &Stop::failed("absent", "the meter does not show all that was asked for"))?;
    }
    Ok(good && !missing)
}

fn binary(json: bool, baud: u32) -> Result<bool, Stop> {
    match json {
        true => print(&serde_json::json!({"binary": {"baud": baud}}))?,
        false => say(&format!("binary (HDLC) from here on, at {baud} baud"))?,
    }
    Ok(true)
}

/// Where every dialogue begins.
const START: u32 = 300;

/// Mode D by the standard (6.5).
const PUSH: u32 = 2400;

/// As many as the sink counts.
const MOST_CODES: usize = 64;
