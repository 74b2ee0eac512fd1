//! Addresses of pages, as sites write them: with or without a host, a slash at the end, a query or
//! a fragment.

/// The page that an address of a section belongs to.
pub(crate) fn page_of(url: &str) -> &str {
    url.split('#').next().unwrap_or_default()
}

/// Whether two addresses are of one page. Hosts are compared where both have one.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (Address::of(one), Address::of(other));
    one.may_share_host(&other) && one.path == other.path
}

/// Whether the address of a page lies below another address, on whole steps of the path. Hosts
/// are compared where both have one.
pub(crate) fn is_below(page: &str, above: &str) -> bool {
    let (page, above) = (Address::of(page), Address::of(above));
    let rest = page.path.strip_prefix(above.path);
    let is_step = |rest: &str| above.path.is_empty() || rest.is_empty() || rest.starts_with('/');
    page.may_share_host(&above) && rest.is_some_and(is_step)
}

/// An address without its query and fragment.
pub(crate) fn bare(url: &str) -> &str {
    url.split(['#', '?']).next().unwrap_or_default()
}

/// What tells a page from others.
struct Address<'a> {
    host: Option<&'a str>,
    /// Without slashes at its ends.
    path: &'a str,
}

impl<'a> Address<'a> {
    fn of(url: &'a str) -> Self {
        let (host, path) = match bare(url).split_once("://") {
            Some((_, rest)) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                (Some(host), path)
            }
            None => (None, bare(url)),
        };
        Self { host, path: path.trim_matches('/') }
    }

    fn may_share_host(&self, other: &Self) -> bool {
        self.host.zip(other.host).is_none_or(|(one, other)| one.eq_ignore_ascii_case(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_address_however_it_is_written() {
        let page = "https://a.example/docs/guide";
        for same in [
            "/docs/guide",
            "/docs/guide/",
            "https://A.example/docs/guide/?utm=x#top",
            "http://a.example/docs/guide#a/b",
        ] {
            assert!(is_same(page, same), "{same}");
        }
        for other in ["https://b.example/docs/guide", "/docs/guides", "/guide", "/docs", "/"] {
            assert!(!is_same(page, other), "{other}");
        }
        assert!(is_same("https://a.example", "/") && is_same("/?q=1", "https://a.example/#x"));
    }
}
