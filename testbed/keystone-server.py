"""Keystone as one process, for `testbed/keystone`: keystone-server.py PORT FACTS

In the working folder it finds keystone.conf and the database, and a password in each of admin.password and rgw.password. At
the first start it makes what a cloud has from the start: keys, the admin with its project, and beside these the project
`shop` and the user `rgw`, as which a gateway asks. Then it writes FACTS, ids as lines of KEY=VALUE, and serves.
"""

import logging
import os
import sys
import threading
import uuid
from types import SimpleNamespace

port, facts = int(sys.argv[1]), sys.argv[2]
sys.argv = ["keystone"]  # its own options come from there
os.environ.update(OS_KEYSTONE_CONFIG_DIR=os.getcwd(), OS_KEYSTONE_CONFIG_FILES="keystone.conf")

from keystone.cmd import bootstrap  # noqa: E402
from keystone.common import fernet_utils, provider_api  # noqa: E402
from keystone.server import wsgi  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, run_simple  # noqa: E402

APIS = provider_api.ProviderAPIs


def make_keys():
    """Each folder of keys is made once."""
    for group, folder in (("fernet_tokens", "fernet"), ("credential", "credential")):
        os.makedirs(folder, 0o700, exist_ok=True)
        if not os.listdir(folder):
            keys = fernet_utils.FernetUtils(os.path.abspath(folder), 3, group)
            keys.initialize_key_repository()


def password(user):
    with open(f"{user}.password", encoding="ascii") as file:
        return file.read().strip()


def make_cloud():
    """What `keystone-manage bootstrap` makes, and who else is there."""
    bootstrap.backends = SimpleNamespace(load_backends=lambda: None)  # they are: this process serves
    first = bootstrap.Bootstrapper()
    first.admin_username = first.project_name = first.admin_role_name = "admin"
    first.admin_password = password("admin")
    first.service_name, first.region_id = "keystone", "RegionOne"
    first.public_url = f"http://127.0.0.1:{port}/v3"
    first.immutable_roles = True
    first.bootstrap()
    projects = {"admin": first.project_id}
    for name in ("service", "shop"):
        projects[name] = uuid.uuid4().hex
        project = {"id": projects[name], "name": name, "domain_id": "default", "description": "", "enabled": True}
        APIS.resource_api.create_project(projects[name], project)
    rgw = {"name": "rgw", "domain_id": "default", "enabled": True, "password": password("rgw")}
    rgw = APIS.identity_api.create_user(rgw)
    for role in (first.admin_role_id, first.service_role_id):
        APIS.assignment_api.add_role_to_user_and_project(rgw["id"], projects["service"], role)
    with open(facts + ".new", "w", encoding="ascii") as file:
        file.write(f"ADMIN_ID={first.admin_user_id}\nPROJECT_ID={projects['shop']}\n")
        file.write(f"ADMIN_PROJECT_ID={projects['admin']}\nADMIN_ROLE_ID={first.admin_role_id}\n")
        file.write(f"MEMBER_ROLE_ID={first.member_role_id}\n")
    os.rename(facts + ".new", facts)


def one_at_a_time(environ, start_response):
    """SQLite refuses whoever wants to write after a read while another writes, at once and whatever time it is given."""
    with TURN:
        return list(application(environ, start_response))


TURN = threading.Lock()
make_keys()
application = wsgi.initialize_public_application()
if not os.path.exists(facts):
    make_cloud()
logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
WSGIRequestHandler.protocol_version = "HTTP/1.1"  # connections are kept
run_simple("127.0.0.1", port, one_at_a_time, threaded=True)
