//! The command line.

use itsm_simulator::{InstanceOptions, Options, Profile};

pub(crate) const HELP: &str = "\
Usage: itsm-simulator [OPTIONS]

Citrix Cloud and ServiceNow on loopback. Prints one line of JSON with the addresses and the seed, then serves
until POST {control_url}/stop, a signal, or the end of its input.

Options:
  --instance NAME[:PROFILE]   a ServiceNow instance; repeatable; default dev1
                              profiles: upgraded-vancouver, zboot-washington, zboot-yokohama, zboot-zurich, zboot-2026
  --port-citrix PORT          port of the Citrix listener (default: a free one)
  --port-control PORT         port of the control listener
  --port-instance NAME=PORT   port of an instance named before; repeatable
  --seed NUMBER               the same ids and tokens in every run
  --log-limit NUMBER          how many requests the log keeps (default 50000)
  --env                       print lines for a shell in place of JSON: what a program of the adapter needs
  --until-stdin-closes        stop when standard input ends
  --help                      this text
";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) options: Options,
    pub(crate) until_stdin_closes: bool,
    pub(crate) env: bool,
}

impl Arguments {
    /// Reads the arguments; `None` means that help was asked for.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Options::default();
        let mut instances = Vec::new();
        let mut ports = Vec::new();
        let (mut until_stdin_closes, mut env) = (false, false);
        while let Some(word) = words.next() {
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
                _ => (word, None),
            };
            let mut value = || inline.clone().or_else(|| words.next()).ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--env" => env = true,
                "--until-stdin-closes" => until_stdin_closes = true,
                "--instance" => instances.push(instance(&value()?)?),
                "--port-citrix" => options.citrix_port = number(&value()?)?,
                "--port-control" => options.control_port = number(&value()?)?,
                "--port-instance" => ports.push(value()?),
                "--log-limit" => options.log_limit = number(&value()?)?,
                "--seed" => options.seed = Some(number(&value()?)?),
                other => return Err(format!("unknown option {other}; try --help")),
            }
        }
        if !instances.is_empty() {
            options.instances = instances;
        }
        for text in ports {
            let (name, port) = text.split_once('=').ok_or_else(|| format!("{text} is not NAME=PORT"))?;
            let found = options.instances.iter_mut().find(|instance| instance.name == name);
            found.ok_or_else(|| format!("there is no instance {name}"))?.port = number(port)?;
        }
        Ok(Some(Self { options, until_stdin_closes, env }))
    }
}

fn instance(text: &str) -> Result<InstanceOptions, String> {
    let (name, profile) = match text.split_once(':') {
        Some((name, profile)) => (name, profile.parse()?),
        None => (text, Profile::default()),
    };
    if name.is_empty() || matches!(name, "citrix" | "any") {
        return Err(format!("{text} is not a name for an instance"));
    }
    Ok(InstanceOptions::with_profile(name, profile))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not a number that fits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::read(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn instances_profiles_and_ports_are_read() {
        let arguments = read(&[
            "--instance",
            "a:zboot-zurich",
            "--instance=b",
            "--port-instance",
            "b=8123",
            "--until-stdin-closes",
        ])
        .unwrap()
        .unwrap();
        assert!(arguments.until_stdin_closes);
        let [a, b] = arguments.options.instances.as_slice() else { panic!("two instances") };
        assert_eq!((a.name.as_str(), a.profile, b.port), ("a", Profile::ZbootZurich, 8123));
    }

    #[test]
    fn mistakes_are_named() {
        for words in [
            &["--what"][..],
            &["--instance"],
            &["--instance", "a:b"],
            &["--port-citrix", "x"],
            &["--port-instance", "z=1"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
        assert!(read(&["--help"]).unwrap().is_none());
    }
}
