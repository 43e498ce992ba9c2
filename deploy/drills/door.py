"""The proxy of deploy/proxy before processes of this machine: a real nginx with the file as it is deployed."""

from __future__ import annotations

import psutil
from scene import HERE, Scene, wait_until
from world import answers

FILE = HERE.parent / "proxy" / "ims.conf"
# what the image of nginx brings along around our file
AROUND = """
daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    include {folder}/ims.conf;
}}
"""


def write_door(scene: Scene, secure: int, api: int, dashboards: int) -> None:
    """The file with the ports of this scene, and a certificate."""
    text = FILE.read_text()
    for name, value in {
        "server api:8000": f"server 127.0.0.1:{api}",
        "server dashboards:8000": f"server 127.0.0.1:{dashboards}",
        "listen 8443 ssl;\n    http2 on;": f"listen 127.0.0.1:{secure} ssl http2;",  # as nginx before 1.25 says it
        "listen 8080;": f"listen unix:{scene.folder}/plain.sock;",
        "/run/secrets/tls_certificate": f"{scene.folder}/certificate",
        "/run/secrets/tls_key": f"{scene.folder}/key",
    }.items():
        assert name in text, name
        text = text.replace(name, value)
    (scene.folder / "ims.conf").write_text(text)
    (scene.folder / "nginx.conf").write_text(AROUND.format(folder=scene.folder))
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    scene.run([*make, "-keyout", scene.folder / "key", "-out", scene.folder / "certificate"])


def open_door(scene: Scene, secure: int) -> psutil.Popen:
    """Start nginx; it listens when this returns."""
    (scene.folder / "plain.sock").unlink(missing_ok=True)
    process = scene.start("nginx", ["/usr/sbin/nginx", "-p", scene.folder, "-c", scene.folder / "nginx.conf"])
    wait_until("nginx answers", lambda: answers(f"https://127.0.0.1:{secure}/sign-in"), 30)
    return process
