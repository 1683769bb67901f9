"""The servers that are compared: how each is started, watched and stopped.

To compare another one, add it to SERVERS: the protocol of wsload, the command,
its paths where they are not /c<number>, its configuration file if it has one.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.abspath(os.environ.get('BENCH_DIR', ROOT + '/build/bench'))
SERVER_CPU, CLIENT_CPU = '0', '1'
NETNS = 'nwsd-bench'    # for servers that listen on every address

LIMIT = dict(proto='raw')
NWSD = dict(
    config=(HERE + '/nwsd.conf.in', 'nwsd.conf'), ready=r'\bready\b',
    cmd=[os.environ.get('NWSD', ROOT + '/build/nwsd'), '-d',
         '-f', '{dir}/nwsd.conf'],
    version=['{0}', '-V'])
LINKED = dict(
    NWSD, link=True,
    config=(HERE + '/nwsd-link1.conf.in', 'nwsd.conf'),
    config2=(HERE + '/nwsd-link2.conf.in', 'nwsd2.conf'),
    cmd2=[NWSD['cmd'][0], '-d', '-f', '{dir}/nwsd2.conf'],
    ready=r'link up')
NODE = dict(proto='raw', env={'NODE_PATH': WORK + '/node/node_modules'},
            needs=WORK + '/node/node_modules/ws',
            version=['node', '-p', '"node " + process.version + '
                     '", ws " + require("ws/package.json").version'])

SERVERS = {
    'nwsd': dict(NWSD, proto='nws', what='JSON messages'),
    'nwsd-binary': dict(NWSD, proto='nws-binary', what='nws.binary.v1'),
    'nats': dict(
        proto='nats', config=(HERE + '/peers/nats.conf.in', 'nats.conf'),
        cmd=['nats-server', '-c', '{dir}/nats.conf'],
        version=['nats-server', '--version']),
    'nchan': dict(
        proto='nchan', config=(HERE + '/peers/nginx.conf.in', 'nginx.conf'),
        cmd=['nginx', '-c', '{dir}/nginx.conf', '-e', '{dir}/error.log'],
        needs='/usr/lib/nginx/modules/ngx_nchan_module.so',
        paths={'fanout': ['--pub-path', '/pub/c%', '--sub-path', '/sub/c%'],
               'pingpong': ['--pub-path', '/a/c%', '--sub-path', '/b/c%']},
        version=['dpkg-query', '-W', '-f', '${Package} ${Version}',
                 'libnginx-mod-nchan']),
    # This version ignores the address it should listen at.
    'mosquitto': dict(
        proto='mqtt', netns=True,
        config=(HERE + '/peers/mosquitto.conf.in', 'mosquitto.conf'),
        cmd=['mosquitto', '-c', '{dir}/mosquitto.conf'],
        version=['dpkg-query', '-W', '-f', '${Package} ${Version}',
                 'mosquitto']),
    'node-ws': dict(NODE, cmd=['node', HERE + '/peers/ws-broadcast.js',
                               '{port}']),
    'node-ws-cork': dict(NODE, cmd=['node', HERE + '/peers/ws-broadcast.js',
                                    '{port}', 'cork']),
    # Two, on the same CPU: publishers at one, subscribers at the other.
    'nwsd-link': dict(LINKED, proto='nws', what='JSON messages'),
    'nwsd-link-binary': dict(LINKED, proto='nws-binary', what='nws.binary.v1'),
    'nats-leaf': dict(
        proto='nats', link=True, setup=['openssl', 'req', '-x509', '-newkey',
                                        'ec', '-pkeyopt',
                                        'ec_paramgen_curve:P-256', '-nodes',
                                        '-days', '2', '-subj',
                                        '/CN=localhost', '-addext',
                                        'subjectAltName=IP:127.0.0.1',
                                        '-keyout', '{dir}/key.pem',
                                        '-out', '{dir}/cert.pem'],
        config=(HERE + '/peers/nats-hub.conf.in', 'nats.conf'),
        cmd=['nats-server', '-c', '{dir}/nats.conf'],
        config2=(HERE + '/peers/nats-leaf.conf.in', 'nats2.conf'),
        cmd2=['nats-server', '-c', '{dir}/nats2.conf'],
        ready=r'Leafnode connection created',
        version=['nats-server', '--version']),
    'limit-each': dict(LIMIT, cmd=[WORK + '/bin/limit', '{port}', 'each']),
    'limit-batch': dict(LIMIT, cmd=[WORK + '/bin/limit', '{port}', 'batch']),
}
OURS_LINKED = ('nwsd-link', 'nwsd-link-binary')
OURS_ALONE = ('nwsd', 'nwsd-binary')
LIMITS = ('limit-each', 'limit-batch')
RIVALS = [s for s in SERVERS if s not in OURS_LINKED + OURS_ALONE + LIMITS]


def suits(server, linked):
    """Whether it takes part in scenarios with, or without, a link."""
    return bool(SERVERS[server].get('link')) == linked


def ours_in(linked):
    return OURS_LINKED if linked else OURS_ALONE


def missing(name):
    """What keeps this server from being started, or None."""
    spec = SERVERS[name]
    if shutil.which(spec['cmd'][0]) is None:
        return spec['cmd'][0]
    if 'needs' in spec and not os.path.exists(spec['needs']):
        return spec['needs']
    if spec.get('netns') and os.geteuid() != 0:
        return 'root, for a network namespace of its own'
    return None


def version(name):
    """One line that says what exactly was measured."""
    spec = SERVERS[name]
    if 'version' not in spec:
        return None
    cmd = [a.replace('{0}', spec['cmd'][0]) for a in spec['version']]
    try:
        out = subprocess.run(cmd, capture_output=True, text=True, timeout=10,
                             env={**os.environ, **spec.get('env', {})})
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = (out.stdout + out.stderr).strip()
    return text.splitlines()[0] if text else None


def free_port():
    """A port below the range of client ports, so that none is in the way."""
    while True:
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = 10000 + s.getsockname()[1] % 20000
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass


def process_tree(pid):
    """pid and its descendants."""
    out = [pid]
    for p in out:
        try:
            for t in os.listdir('/proc/%d/task' % p):
                with open('/proc/%d/task/%s/children' % (p, t)) as f:
                    out += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return out


def memory(pids):
    """Sums of what the processes hold, in KiB."""
    total = {'Rss': 0, 'Pss': 0, 'Private_Dirty': 0}
    for p in pids:
        try:
            with open('/proc/%d/smaps_rollup' % p) as f:
                for line in f:
                    key = line.split(':')[0]
                    if key in total:
                        total[key] += int(line.split()[1])
        except OSError:
            pass
    return total


def listening(pid, port):
    """Whether anything in the network namespace of pid listens at port."""
    for name in ('tcp', 'tcp6'):
        try:
            with open('/proc/%d/net/%s' % (pid, name)) as f:
                for line in f:
                    field = line.split()
                    if field[1].endswith(':%04X' % port) and field[3] == '0A':
                        return True
        except OSError:
            pass
    return False


class Server:
    """A running server, in a folder of its own."""

    def __init__(self, name, wrapper=()):
        self.name, self.spec = name, SERVERS[name]
        self.port = free_port()
        self.dir = '%s/run/%s' % (WORK, name)
        self.log = self.dir + '/log'
        os.makedirs(self.dir + '/empty', exist_ok=True)
        self.values = dict(port=str(self.port), port2=str(free_port()),
                           port3=str(free_port()), port4=str(free_port()),
                           pub_port=str(free_port()),
                           dir=self.dir, as_root='')
        self.pub_port = int(self.values['pub_port']) \
            if 'cmd2' in self.spec else self.port
        if os.geteuid() == 0:
            self.values['as_root'] = self.fill(
                'user nobody\nchroot "{dir}/empty"')
        for key in ('config', 'config2'):
            if key in self.spec:
                template, file = self.spec[key]
                with open(template) as f, \
                        open(self.dir + '/' + file, 'w') as out:
                    out.write(self.fill(f.read()))
        if 'setup' in self.spec:
            subprocess.run([self.fill(a) for a in self.spec['setup']],
                           check=True, stderr=subprocess.DEVNULL)
        self.prefix = self.namespace() if self.spec.get('netns') else []
        self.processes = []
        with open(self.log, 'w') as log:
            for key in ('cmd', 'cmd2'):
                if key in self.spec:
                    self.start(self.spec[key], wrapper, log)
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        self.pids = self.all_pids()

    def start(self, cmd, wrapper, log):
        cmd = self.prefix + ['taskset', '-c', SERVER_CPU] + list(wrapper) + \
            [self.fill(a) for a in cmd]
        self.processes.append(subprocess.Popen(
            cmd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, **self.spec.get('env', {})}, cwd=WORK))

    def all_pids(self):
        return [p for one in self.processes for p in process_tree(one.pid)]

    def fill(self, text):
        for key, value in self.values.items():
            text = text.replace('{%s}' % key, value)
        return text

    @staticmethod
    def namespace():
        if not os.path.exists('/run/netns/' + NETNS):
            subprocess.check_call(['ip', 'netns', 'add', NETNS])
            subprocess.check_call(
                ['ip', '-n', NETNS, 'link', 'set', 'lo', 'up'])
        return ['ip', 'netns', 'exec', NETNS]

    def is_ready(self):
        if 'ready' not in self.spec:
            return listening(self.processes[0].pid, self.port)
        with open(self.log) as f:
            return re.search(self.spec['ready'], f.read()) is not None

    def wait_ready(self):
        end = time.time() + 30
        while time.time() < end:
            if any(p.poll() is not None for p in self.processes):
                raise RuntimeError('%s exited, see %s' % (self.name, self.log))
            if self.is_ready():
                time.sleep(0.1)     # children that start after listen()
                return
            time.sleep(0.05)
        raise RuntimeError('%s is not ready, see %s' % (self.name, self.log))

    def stop(self):
        pids = self.all_pids()
        for p in self.processes:
            p.send_signal(signal.SIGTERM)
        for p in self.processes:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                pass
        for p in pids:
            try:
                os.kill(p, signal.SIGKILL)
            except OSError:
                pass
        for p in self.processes:
            p.wait()
