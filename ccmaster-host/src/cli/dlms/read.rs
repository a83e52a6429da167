//! `ccmaster dlms read`.

mod arguments;
mod counter;
mod dialogue;
mod identity;
mod meter;
mod output;
mod profile;
mod target;
mod times;

use ccm_core::crypto::Software;
use ccm_dlms::message::cosem::{AssociationLn, AssociationSn, ScalerUnit};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::script::{Session, Settings};
use ccm_dlms::security::InvocationCounter;

pub(in crate::cli) use self::arguments::Read;
pub(super) use self::arguments::{HELP, Server, server};
use self::arguments::{Reach, Wanted};
use self::counter::Store;
use self::dialogue::Dialogue;
pub(super) use self::dialogue::hdlc_address;
use self::identity::Identity;
use self::meter::Meter;
use self::output::{Member, ObjectLine, ValueLine, complain, data_stop, done, shown};
use self::target::Target;
use super::error::stop_opening;
use crate::cli::Failure;
use crate::cli::stop::{Stop, complain as complain_of_all, end};

/// Reads a meter, writes to it and has it act.
pub(in crate::cli) async fn run(read: Read) -> Result<(), Failure> {
    let result = attempt(&read).await;
    end(read.json, result)
}

async fn attempt(read: &Read) -> Result<bool, Stop> {
    let identity = Identity::new(&read.identity)?;
    let store = Store::new(read.identity.counter_file.clone());
    let counter = counter(read, &identity, &store).await?;
    let session = identity.session(&read.identity, counter)?;
    let dialogue = Dialogue::open(&read.reach, read.reach.client, store).await?;
    let mut meter = Meter::open(dialogue, session, &identity, &read.identity).await?;
    let result = work(read, &mut meter).await;
    meter.close().await;
    result
}

/// The own counter: as typed, from the file, or above what the meter has seen.
async fn counter(read: &Read, identity: &Identity, store: &Store) -> Result<InvocationCounter, Stop> {
    let stored = store.load()?;
    if let Some(next) = read.identity.counter.or(stored).or((!identity.counts()).then_some(1)) {
        return Ok(store.counter(next));
    }
    let seen = ask_counter(&read.reach, read.identity.counter_object).await?;
    tracing::debug!("the meter has seen our counter at {seen}");
    Ok(store.counter(seen.saturating_add(1)))
}

/// What the meter tells the public client of the last counter that it has seen.
async fn ask_counter(reach: &Reach, object: Target) -> Result<u32, Stop> {
    let mut dialogue = Dialogue::open(reach, PUBLIC_CLIENT, Store::new(None)).await?;
    let mut session = Session::new(&Software, Settings::PUBLIC);
    dialogue.try_run(&mut session.open(&[])).await?.map_err(|error| unknown(&stop_opening(&error)))?;
    let mut buffer = [0; 256];
    let attribute = ccm_dlms::message::AttributeAccess::whole(object.attribute());
    let mut get = session.get(attribute, &mut buffer);
    let result = dialogue.run(&mut get).await;
    let value = Data::parse(get.value()).and_then(Data::value).ok();
    let seen = value.and_then(Value::integer).and_then(|seen| seen.try_into().ok());
    let _ = dialogue.run(&mut session.close()).await;
    result.map_err(|stop| unknown(&stop))?;
    seen.ok_or_else(|| Stop::failed("counter", format!("{} is no counter", object.obis())))
}

fn unknown(stop: &Stop) -> Stop {
    let Stop::Failed { message, .. } = stop else { return stop.clone() };
    let hint = "say it with --counter, or keep it with --counter-file";
    Stop::failed(
        "counter",
        format!("the meter does not tell the public client our counter ({message}); {hint}"),
    )
}

/// All that is wanted, in the order of the options. What fails leaves the rest undisturbed while the association stands.
async fn work(read: &Read, meter: &mut Meter<'_>) -> Result<bool, Stop> {
    let (wanted, json) = (&read.wanted, read.json);
    let mut good = true;
    for given in &wanted.set {
        let result = meter.set(given.target, given.data.as_deref().unwrap_or_default()).await;
        let result = result.and_then(|()| done(json, given.target, Member::Attribute, None));
        good &= told(json, given.target, Member::Attribute, result, meter)?;
    }
    for given in &wanted.action {
        let result = meter.action(given.target, given.data.as_deref()).await;
        let result = result.and_then(|bytes| acted(json, given.target, &bytes));
        good &= told(json, given.target, Member::Method, result, meter)?;
    }
    good &= values(wanted, json, meter).await?;
    if wanted.list {
        good &= whole(json, list(json, read.identity.association, meter).await, meter)?;
    }
    if let Some(target) = wanted.profile {
        good &= whole(json, profile::read(meter, target, wanted, json).await, meter)?;
    }
    Ok(good)
}

fn acted(json: bool, target: Target, bytes: &[u8]) -> Result<(), Stop> {
    let value = match bytes {
        [] => serde_json::Value::Null,
        bytes => Data::parse(bytes).and_then(|data| shown(data, None)).map_err(data_stop)?,
    };
    done(json, target, Member::Method, Some(value))
}

/// All attributes, one by one or in one request.
async fn values(wanted: &Wanted, json: bool, meter: &mut Meter<'_>) -> Result<bool, Stop> {
    if wanted.with_list {
        return together(wanted, json, meter).await;
    }
    let mut good = true;
    for target in &wanted.obis {
        let result = value(*target, meter).await.and_then(|line| line.print(json));
        good &= told(json, *target, Member::Attribute, result, meter)?;
    }
    Ok(good)
}

async fn value(target: Target, meter: &mut Meter<'_>) -> Result<ValueLine, Stop> {
    let bytes = meter.get(target, None).await?;
    let known = match target.scaler_unit() {
        Some(target) => Some(profile::scaler_unit(meter, target).await?),
        None => None,
    };
    line(target, &bytes, known)
}

fn line(target: Target, bytes: &[u8], known: Option<ScalerUnit>) -> Result<ValueLine, Stop> {
    Data::parse(bytes).and_then(|data| ValueLine::new(target, data, known)).map_err(data_stop)
}

/// The values and, behind them, the scalers and units that they need.
async fn together(wanted: &Wanted, json: bool, meter: &mut Meter<'_>) -> Result<bool, Stop> {
    let scalers = wanted.obis.iter().filter_map(|target| target.scaler_unit());
    let all: Vec<Target> = wanted.obis.iter().copied().chain(scalers).collect();
    let mut answers = meter.get_all(&all).await?;
    if answers.len() != all.len() {
        return Err(Stop::failed("unexpected", "the list of answers is not as long as that of the requests"));
    }
    let mut units = answers.split_off(wanted.obis.len()).into_iter();
    let mut good = true;
    for (target, answer) in wanted.obis.iter().zip(answers) {
        let known = target.scaler_unit().and_then(|_| units.next()).transpose();
        let known = known.and_then(|bytes| {
            let parse = |bytes: Vec<u8>| Data::parse(&bytes).and_then(ScalerUnit::parse).map_err(data_stop);
            bytes.map(parse).transpose()
        });
        let result = answer.and_then(|bytes| line(*target, &bytes, known?)).and_then(|line| line.print(json));
        good &= told(json, *target, Member::Attribute, result, meter)?;
    }
    Ok(good)
}

async fn list(json: bool, association: Target, meter: &mut Meter<'_>) -> Result<(), Stop> {
    let (bytes, short) = meter.objects(association).await?;
    let data = Data::parse(&bytes).map_err(data_stop)?;
    if short {
        let mut list = AssociationSn::object_list(data).map_err(data_stop)?;
        return list.try_for_each(|element| ObjectLine::short(&element.map_err(data_stop)?).print(json));
    }
    let mut list = AssociationLn::object_list(data).map_err(data_stop)?;
    list.try_for_each(|element| {
        let line = element.and_then(|element| ObjectLine::new(&element)).map_err(data_stop)?;
        line.print(json)
    })
}

/// Says what failed about one object, and whether it was well; an error where nothing more can be asked.
fn told(
    json: bool,
    target: Target,
    member: Member,
    result: Result<(), Stop>,
    meter: &Meter<'_>,
) -> Result<bool, Stop> {
    let Err(stop) = result else { return Ok(true) };
    if !meter.is_open() {
        return Err(stop);
    }
    complain(json, target, member, &stop).map(|()| false)
}

/// The same of what is no single value.
fn whole(json: bool, result: Result<(), Stop>, meter: &Meter<'_>) -> Result<bool, Stop> {
    match result {
        Ok(()) => Ok(true),
        Err(stop) if meter.is_open() => complain_of_all(json, &stop).map(|()| false),
        Err(stop) => Err(stop),
    }
}

/// The address of whoever has no secret.
const PUBLIC_CLIENT: u16 = 16;
