# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate authorities (root certificates) are trusted for TLS: the system's, certifi's and the environment's.

A company that inspects its network's connections has a root certificate of its own. Its administrator installs that in
the operating system's certificate store, or names its file in an environment variable. Requests alone knows only
certifi's authorities; Blender's own downloads use `ssl.create_default_context`. Here a certificate is trusted if either
would trust it, and never otherwise: there is no way to turn the check off.
"""

from __future__ import annotations

import logging
import os
import ssl
import sys
from functools import lru_cache
from typing import Final

import requests.utils

from ...errors import CertificateError, one_line

_log = logging.getLogger(__name__)

_BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""A file or folder of authorities, named as for requests: the first one that is set counts."""
_OPENSSL_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""OpenSSL itself reads these, in `ssl.create_default_context`."""
_LINUX_STORES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine
)
"""Blender's own Python does not find the system's store on Linux: Blender sets SSL_CERT_FILE to a file of its own."""


def trusted_context(check_hostname: bool = True) -> ssl.SSLContext:
    """Returns the TLS settings for every connection. They are made once, and again when the environment changes.

    `check_hostname`: False only for a caller that compares the certificate's host names itself. Raises CertificateError
    if the environment names a file that can't be used.
    """
    environment = tuple(os.environ.get(name, "") for name in (*_BUNDLE_VARIABLES, *_OPENSSL_VARIABLES))
    return _make_context(environment, check_hostname)


def read_again() -> None:
    """Read all certificates anew for the next connection: the computer's administrator may have added one."""
    _make_context.cache_clear()


@lru_cache(maxsize=2)
def _make_context(_environment: tuple[str, ...], check_hostname: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = check_hostname
    for path in (requests.utils.DEFAULT_CA_BUNDLE_PATH, *(_LINUX_STORES if sys.platform == "linux" else ())):
        try:
            context.load_verify_locations(path)
        except OSError as error:  # also ssl.SSLError
            _log.debug("the certificates at %s are not used: %s", path, type(error).__name__)
    variable = next((name for name in _BUNDLE_VARIABLES if os.environ.get(name)), "")
    if variable:
        _add_bundle(context, variable)
    return context


def _add_bundle(context: ssl.SSLContext, variable: str) -> None:
    path = os.environ[variable]
    try:
        if os.path.isdir(path):
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(path)
    except OSError as error:  # also ssl.SSLError, for a file without certificates
        raise CertificateError(
            "The trusted certificates at {path} can't be read: {reason}.",
            advice="Correct the environment variable {variable}.",
            path=one_line(path, 120),
            reason="this is no certificate file" if isinstance(error, ssl.SSLError) else one_line(error.strerror, 60),
            variable=variable,
        ) from error
