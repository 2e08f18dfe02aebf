//! The names of request headers that a client must not send, and who would read them.
//!
//! The names without a comment are read by no server that we know; applications, modules and gateways
//! use them, and the lists by which access rules are tested name them. `docs/headers.md` lists all.

/// What a request header says, as far as it matters at this hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Belongs to the two ends.
    EndToEnd,
    /// Says from where and by which scheme the client came, in the words of a proxy.
    Forwarding,
    /// RFC 9110 §7.6.1: ends here.
    Hop,
    /// Asserts an identity.
    Identity,
    /// Ours alone.
    Own,
    /// Asks for another path, prefix, host or method than the request line and `Host`.
    Rewrite,
}

/// Finds the class of a name in lower case that holds letters, digits and `-` alone.
pub(super) fn classify(name: &str) -> Class {
    match name {
        name if super::hop_by_hop(name) => Class::Hop,
        // The client's browser key; it is read before it ends here, see `forward`.
        "step-up-key" => Class::EndToEnd,
        name if name.starts_with("step-up") || name.starts_with("x-stepgate") => Class::Own,
        name => by_name(name)
            .or_else(|| by_prefix(name))
            .unwrap_or(Class::EndToEnd),
    }
}

/// Whether every byte of a name is a letter, a digit or `-`.
///
/// CGI, WSGI, Rack and PHP keep headers as variables: `-` becomes `_` in their names, and so does `.`
/// (PHP), or every other mark (lighttpd, Apache before 2.4), so that a name with a mark can stand for
/// another. Names that servers use among themselves have marks as well: IBM's (`$WSRU`, the user),
/// Passenger's (`!~…`), iisnode's (`x-iisnode-auth_user`).
pub(crate) fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The plain name that a gateway makes of one that is not.
pub(crate) fn folded(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

// A `match` on literals is compiled to comparisons by length: some four nanoseconds for a name, where
// a binary search takes a hundred.
macro_rules! by_name {
    ($($class:ident { $($name:literal,)+ })+) => {
        fn by_name(name: &str) -> Option<Class> {
            match name {
                $($($name)|+ => Some(Class::$class),)+
                _ => None,
            }
        }

        /// The same names as a list.
        #[cfg(test)]
        pub(super) const NAMES: &[(Class, &[&str])] = &[$((Class::$class, &[$($name),+])),+];
    };
}

macro_rules! by_prefix {
    (x: { $($x_class:ident { $($x_prefix:literal,)+ })+ } others: { $($class:ident { $($prefix:literal,)+ })+ }) => {
        fn by_prefix(name: &str) -> Option<Class> {
            if name.starts_with("x-") {
                $(if $(name.starts_with($x_prefix))||+ {
                    return Some(Class::$x_class);
                })+
            } else {
                $(if $(name.starts_with($prefix))||+ {
                    return Some(Class::$class);
                })+
            }
            None
        }

        /// The same prefixes as a list.
        #[cfg(test)]
        pub(super) const PREFIXES: &[(Class, &[&str])] = &[
            $((Class::$x_class, &[$($x_prefix),+]),)+
            $((Class::$class, &[$($prefix),+])),+
        ];
    };
}

by_name! {
    Forwarding {
        "ali-cdn-real-ip", // Alibaba CDN
        "cdn-src-ip",
        "cf-connecting-ip", // Cloudflare
        "cf-connecting-ipv6", // Cloudflare
        "cf-ipcountry", // Cloudflare
        "cf-pseudo-ipv4", // Cloudflare
        "cf-visitor", // Cloudflare: the scheme
        "client-ip", // Rails, PHP, Azure
        "cloudfront-forwarded-proto", // CloudFront
        "cluster-client-ip",
        "fastly-client-ip", // Fastly
        "fastly-ssl", // Fastly
        "fly-client-ip", // Fly.io
        "forwarded", // RFC 7239
        "forwarded-for", // request-ip (npm)
        "forwarded-for-ip",
        "front-end-https", // Exchange, Rack, Yii
        "http-client-ip", // PHP
        "https", // CGI, Rack
        "proxy-client-ip", // WebLogic
        "proxy-ssl", // WebLogic
        "real-ip",
        "request-scheme", // Apache
        "server-port", // CGI
        "server-port-secure", // IIS
        "server-protocol", // CGI
        "true-client-ip", // Akamai, Cloudflare
        "via", // RFC 9110 §7.6.3
        "x-appservice-proto", // Azure
        "x-arr-ssl", // IIS: iisnode, Koa behind ARR
        "x-azure-clientip", // Azure Front Door
        "x-azure-socketip", // Azure Front Door
        "x-client-ip", // mod_wsgi, Azure
        "x-client-port", // Azure
        "x-client-scheme",
        "x-cluster-client-ip",
        "x-custom-ip-authorization",
        "x-forward-for",
        "x-forward-proto",
        "x-forwarded", // request-ip (npm)
        "x-forwarder-for",
        "x-https", // mod_wsgi
        "x-originally-forwarded-for",
        "x-originating-ip",
        "x-proto",
        "x-proxied-https", // Jetty
        "x-proxyuser-ip",
        "x-real-ip", // nginx, mod_wsgi, Tornado
        "x-real-port",
        "x-real-proto",
        "x-request-id", // named by us, or by a proxy
        "x-scheme", // Tornado, mod_wsgi, ReverseProxied
        "x-server-port",
        "x-true-client-ip",
        "x-true-ip",
        "x-url-scheme", // Rack, Mojolicious
    }
    Hop {
        "expect", // met by us: the body is asked for when it is wanted
        "http2-settings", // RFC 9113 §3.1
        "proxy-authorization", // RFC 9110 §11.7.1
    }
    Identity {
        "auth-type", // CGI
        "auth-user", // iisnode
        "cf-access-authenticated-user-email", // Cloudflare Access
        "cf-access-jwt-assertion", // Cloudflare Access
        "client-cert", // RFC 9440
        "client-cert-chain", // RFC 9440
        "eppn", // Shibboleth
        "persistent-id", // Shibboleth
        "php-auth-user", // PHP
        "proxy-auth-cert", // Jetty
        "proxy-ssl-id", // Jetty
        "proxy-user",
        "x-anonymous-consumer", // Kong
        "x-apigateway-api-userinfo", // Google API Gateway
        "x-arr-clientcert", // IIS, Azure: ASP.NET certificate forwarding
        "x-auth-groups", // Gatekeeper (Keycloak)
        "x-auth-roles", // Gatekeeper (Keycloak)
        "x-auth-subject", // Gatekeeper (Keycloak)
        "x-auth-userid", // Gatekeeper (Keycloak)
        "x-auth-username", // Gatekeeper (Keycloak)
        "x-client-cert",
        "x-client-cert-chain",
        "x-client-dn",
        "x-client-verify",
        "x-credential-identifier", // Kong
        "x-credential-username", // Kong
        "x-endpoint-api-userinfo", // Google Cloud Endpoints
        "x-forwarded-access-token", // oauth2-proxy
        "x-forwarded-client-cert", // Envoy
        "x-forwarded-client-cert-chain",
        "x-forwarded-email", // oauth2-proxy
        "x-forwarded-groups", // oauth2-proxy
        "x-forwarded-id-token",
        "x-forwarded-preferred-username", // oauth2-proxy
        "x-forwarded-tls-client-cert", // Traefik
        "x-forwarded-tls-client-cert-info", // Traefik
        "x-forwarded-user", // oauth2-proxy, OpenShift
        "x-iis-windowsauthtoken", // ASP.NET Core Module
        "x-jwt-payload", // Envoy
        "x-proxy-remote-user",
        "x-proxy-user",
        "x-sso-user",
        "x-subject-dn",
        "x-token-subject", // caddy-security
        "x-trusted-user",
        "x-userinfo", // APISIX
    }
    Rewrite {
        "base-url", // front controllers
        "context-document-root", // Apache
        "context-prefix", // Apache
        "disguised-host", // Azure
        "document-root", // CGI, PHP
        "document-uri", // CGI, PHP
        "forwarded-host",
        "gateway-interface", // CGI
        "http-host",
        "http-url", // IIS
        "orig-path-info", // PHP on IIS
        "orig-script-name", // PHP
        "path-info", // gunicorn (`forwarder_headers`), CGI
        "path-translated", // CGI
        "proxy", // CGI: `HTTP_PROXY` of its own requests (httpoxy)
        "proxy-host",
        "proxy-url",
        "query-string", // CGI
        "request-method", // CGI
        "request-path",
        "request-uri", // CGI, PHP
        "script-filename", // CGI, PHP
        "script-name", // gunicorn (`forwarder_headers`), CGI
        "script-uri", // Apache
        "script-url", // Apache
        "server-name", // CGI
        "unencoded-url", // IIS: Zend, Symfony, Phalcon
        "uri",
        "url", // IIS
        "was-default-hostname", // Azure
        "x-accel-mapping", // Rack::Sendfile, Plack
        "x-app-root",
        "x-base-path",
        "x-base-url",
        "x-context-path",
        "x-forwarded-base",
        "x-forwarded-basepath",
        "x-forwarded-context", // Jenkins' proxies
        "x-forwarded-method", // Traefik
        "x-forwarded-original-url",
        "x-forwarded-path", // Spring Cloud Gateway, Kong
        "x-forwarded-pathbase", // ASP.NET
        "x-forwarded-prefix", // werkzeug, Spring, Symfony, ASP.NET, Traefik
        "x-forwarded-query",
        "x-forwarded-request-uri",
        "x-forwarded-root",
        "x-forwarded-script-name", // mod_wsgi, Plack
        "x-forwarded-server", // mod_wsgi, Paste, Jetty: the host
        "x-forwarded-uri", // Traefik, Caddy, Vercel's adapters
        "x-forwarded-url",
        "x-host", // mod_wsgi
        "x-http-destinationurl",
        "x-http-host",
        "x-http-host-override",
        "x-http-path-override",
        "x-http-url-override",
        "x-ingress-path", // Home Assistant
        "x-matched-path", // Next.js
        "x-middleware-invoke", // Next.js
        "x-middleware-next", // Next.js
        "x-middleware-override-headers", // Next.js
        "x-middleware-redirect", // Next.js
        "x-middleware-rewrite", // Next.js
        "x-middleware-set-cookie", // Next.js
        "x-middleware-skip", // Next.js
        "x-middleware-subrequest", // Next.js (CVE-2025-29927)
        "x-middleware-subrequest-id", // Next.js
        "x-mount-path",
        "x-ms-original-url", // Azure Static Web Apps
        "x-next-resume-state-length", // Next.js
        "x-now-route-matches", // Next.js
        "x-path",
        "x-path-info",
        "x-path-prefix",
        "x-prefix",
        "x-proxy-host",
        "x-proxy-path",
        "x-proxy-prefix",
        "x-proxy-uri",
        "x-proxy-url",
        "x-real-host",
        "x-real-uri",
        "x-real-url",
        "x-replaced-path", // Traefik
        "x-request-path",
        "x-request-uri",
        "x-request-url",
        "x-root-path",
        "x-script-filename",
        "x-script-name", // mod_wsgi, Radicale, ReverseProxied
        "x-script-path",
        "x-script-url",
        "x-sendfile-type", // Rack::Sendfile, Plack
        "x-server-name",
        "x-traversal-path", // Plack
        "x-uri",
        "x-url",
        "x-url-prefix",
        "x-vercel-forwarded-uri", // Vercel
        "x-virtual-host",
    }
}

by_prefix! {
    x: {
        Forwarding {
            "x-forwarded-",
        }
        Identity {
            "x-amzn-mtls-", // AWS load balancers
            "x-amzn-oidc-", // AWS load balancers
            "x-appengine-", // App Engine: user, cron, address
            "x-auth-request-", // oauth2-proxy
            "x-authenticated-", // Kong
            "x-authentik-", // authentik
            "x-consumer-", // Kong
            "x-goog-authenticated-user-", // Google IAP
            "x-goog-iap-", // Google IAP
            "x-iisnode-", // iisnode
            "x-ms-client-principal", // Azure App Service
            "x-ms-token-", // Azure App Service
            "x-pomerium-", // Pomerium
            "x-remote-", // Kubernetes, Home Assistant; `X-Remote-Addr`, `X-Remote-IP`
            "x-shib-", // Shibboleth
            "x-ssl-", // nginx, HAProxy
            "x-tls-client-",
            "x-token-user-", // caddy-security
            "x-vouch-", // Vouch
            "x-webauth-", // Grafana
        }
        Rewrite {
            "x-backend-",
            "x-cf-forwarded-", // Cloud Foundry route services
            "x-envoy-original-", // Envoy
            "x-invoke-", // Next.js
            "x-original-", // IIS, ISAPI_Rewrite, Zend, Symfony, ASP.NET, nginx
            "x-override-",
            "x-rewrite-", // IIS, ISAPI_Rewrite, Zend, Symfony, Yii
            "x-upstream-",
            "x-waws-", // Azure: `X-WAWS-Unencoded-URL`
        }
    }
    others: {
        Identity {
            "iv-", // IBM WebSEAL
            "ms-aspnetcore-", // ASP.NET Core Module: pairing token, certificate, user
            "oam-", // Oracle Access Manager
            "osso-", // Oracle SSO
            "remote-", // CGI, Authelia: `REMOTE_USER`, `REMOTE_ADDR`
            "shib-", // Shibboleth
            "sm-user", // SiteMinder
            "smuser", // SiteMinder
            "ssl-", // Tomcat's SSLValve, Apache, nginx
            "tailscale-user-", // Tailscale
            "wl-proxy-", // WebLogic: certificate, address, scheme
        }
        Rewrite {
            "redirect-", // Apache: `REDIRECT_URL`, `REDIRECT_REMOTE_USER`
        }
    }
}
