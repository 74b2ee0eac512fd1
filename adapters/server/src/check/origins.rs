//! The origins whose pages may ask: whether they have the right shape, and the site is among
//! them.

use url::{Host, Url};

use super::Finding;
use crate::config::Config;

const CODE: &str = "origins";

pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let allowed = config.settings.allowed_origins.as_ref();
    let allowed: Vec<String> = allowed
        .map(|origins| origins.allowed.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    let site = config.settings.site_url.as_deref().and_then(|url| Url::parse(url).ok());
    vec![finding(&allowed, site.as_ref())]
}

fn finding(allowed: &[String], site: Option<&Url>) -> Finding {
    let site = site.map(|site| (site.origin().ascii_serialization(), is_local(site)));
    let advice = match &site {
        Some((site, _)) => format!("set ALLOWED_ORIGINS to {site}"),
        None => "set ALLOWED_ORIGINS to the origin of the book's site, such as \
                 https://book.example.org"
            .to_owned(),
    };
    if allowed.iter().any(|origin| origin == "*") {
        let what = "`*` lets the pages of every site ask, at your cost";
        return Finding::warning(CODE, what, advice);
    }
    let list = allowed.join(" ");
    match site {
        site if allowed.is_empty() => {
            let what = "no origin is allowed: only this server's own pages may ask";
            match site {
                Some((_, false)) => Finding::warning(CODE, what, advice),
                _ => Finding::note(CODE, what, advice),
            }
        }
        Some((site, _)) if allowed.contains(&site) => {
            Finding::ok(CODE, format!("the pages of {site} may ask"))
        }
        Some((site, local)) => {
            let what = format!("the pages of the site, {site}, may not ask; those of {list} may");
            if local {
                Finding::note(CODE, what, advice)
            } else {
                Finding::warning(CODE, what, advice)
            }
        }
        None if allowed
            .iter()
            .filter_map(|origin| Url::parse(origin).ok())
            .all(|o| is_local(&o)) =>
        {
            let what = format!("only pages of this machine may ask: {list}");
            Finding::note(CODE, what, advice)
        }
        None => Finding::ok(CODE, format!("the pages of {list} may ask")),
    }
}

/// Whether only the machine itself can open it.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn the_site_must_be_among_the_origins() {
        const SITE: &str = "https://book.example/manual/";
        for (allowed, site, level, says) in [
            (&["https://book.example"][..], Some(SITE), Level::Ok, "https://book.example may ask"),
            (&["https://other.example"], None, Level::Ok, "https://other.example may ask"),
            (&[], Some(SITE), Level::Warning, "no origin is allowed"),
            (&[], None, Level::Note, "no origin is allowed"),
            (
                &["http://localhost:3000"],
                Some(SITE),
                Level::Warning,
                "https://book.example, may not",
            ),
            (&["https://www.book.example"], Some(SITE), Level::Warning, "may not ask"),
            (&["http://book.example"], Some(SITE), Level::Warning, "may not ask"),
            (&["http://127.0.0.1:3000", "http://[::1]"], None, Level::Note, "this machine"),
            (&["https://book.example", "*"], Some(SITE), Level::Warning, "every site"),
            (&["http://a.example"], Some("http://localhost:3000/"), Level::Note, "may not ask"),
        ] {
            let allowed: Vec<String> = allowed.iter().map(|&origin| origin.to_owned()).collect();
            let site = site.map(|site| Url::parse(site).unwrap());
            let finding = finding(&allowed, site.as_ref());
            assert_eq!(finding.level, level, "{allowed:?}: {finding}");
            assert!(finding.what.contains(says), "{allowed:?}: {finding}");
        }
    }

    #[test]
    fn what_to_do_names_the_site() {
        let site = Url::parse("https://book.example/manual/").unwrap();
        let advice = finding(&[], Some(&site)).advice.unwrap();
        assert_eq!(advice, "set ALLOWED_ORIGINS to https://book.example");
    }
}
