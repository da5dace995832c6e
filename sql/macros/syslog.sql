-- title: syslog: priorities, structured data, and what sshd, sudo, su, PAM and the user tools say in it
CREATE OR REPLACE MACRO syslog_severity(pri) AS
    ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'][pri % 8 + 1];

CREATE OR REPLACE MACRO syslog_facility(pri) AS
    ['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp', 'ntp', 'audit', 'alert',
     'clockd', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'][pri // 8 + 1];

-- [id name="value" …][…] as {key 'id.name', value}; an element without parameters is its id with an empty value
CREATE OR REPLACE MACRO syslog_structured(data) AS
    flatten(list_transform(regexp_extract_all(data, '\[(?:[^\]"\\]|"(?:[^"\\]|\\[\s\S])*")*\]'), lambda element:
        CASE WHEN contains(element, '=')
             THEN list_transform(regexp_extract_all(element, '[^\s="\[\]]+\s*=\s*"(?:[^"\\]|\\[\s\S])*"'), lambda parameter: {
                 'key': regexp_extract(element, '^\[([^\s\]=]+)', 1) || '.' || regexp_extract(parameter, '^([^\s=]+)', 1),
                 'value': regexp_replace(regexp_extract(parameter, '(?s)^[^"]*"(.*)"$', 1), '\\(["\\\]])', '\1', 'g')})
             ELSE [{'key': regexp_extract(element, '^\[([^\s\]=]*)', 1), 'value': ''}] END));

-- stack traces through rsyslog, which writes a newline as #012 and a tab as #011
CREATE OR REPLACE MACRO syslog_body(message) AS
    nullif(CASE WHEN contains(message, '#012') AND regexp_matches(message, '#012(?:#011|\s+at |\s+File "|goroutine \d)|Traceback \(most recent call last\):#012') THEN replace(replace(message, '#012', chr(10)), '#011', chr(9)) ELSE message END, '');

-- message repeated 5 times: [ text]
CREATE OR REPLACE MACRO syslog_repeated(message) AS regexp_extract(message,
    '^(?:-+ )?(?:last )?message repeated (\d+) times?', 1);

-- sshd of /usr/sbin/sshd and sshd(pam_unix), polkitd of polkitd(authority=local), gdm-password of gdm-password]
CREATE OR REPLACE MACRO syslog_program(tag) AS
    regexp_replace(regexp_replace(tag, '\((?:pam_\w+|authority=\w+)\)$|\]$', ''), '^/.*/', '');

CREATE OR REPLACE MACRO syslog_is_audit(program, message) AS
    program IN ('sshd', 'sshd-session', 'sshd-auth', 'sudo', 'su', 'login', 'useradd', 'usermod', 'userdel', 'adduser', 'deluser', 'groupadd', 'groupmod',
                'groupdel', 'addgroup', 'delgroup', 'gpasswd', 'passwd', 'chpasswd', 'chgpasswd', 'chage', 'chfn', 'chsh', 'newusers', 'newgrp',
                'systemd-logind', 'elogind', 'polkitd', 'pkexec', 'doas', 'dropbear')
    OR regexp_matches(message, '^pam_[a-z0-9_]+\(|^PAM \d+ more authentication failure|^(?:session (?:opened|closed) for user |authentication failure; logname=|check pass; user unknown$)');

-- the text that says what happened: without PAM's module, the repetition around it, sshd's level and its [preauth]
CREATE OR REPLACE MACRO syslog_said(message) AS
    regexp_replace(regexp_replace(regexp_replace(message,
        '^message repeated \d+ times: \[ ?(.*)\]\s*$', '\1'), '^pam_[a-z0-9_]+\([^)]*\): |^(?:error|fatal|info): ', ''), ' ?\[preauth\]\s*$', '');

-- which rule reads it; the action is what stands before the point
CREATE OR REPLACE MACRO syslog_rule(program, said) AS
    CASE
    WHEN starts_with(said, 'session opened for user') THEN 'session_opened'
    WHEN starts_with(said, 'session closed for user') THEN 'session_closed'
    WHEN regexp_matches(said, '^(?:PAM \d+ more )?authentication (?:failures?|success); ') THEN 'authentication'
    WHEN starts_with(said, 'pam_authenticate: ') THEN 'authentication.pam'
    WHEN starts_with(said, 'Accepted google_authenticator for ') THEN 'authentication.accepted'
    WHEN starts_with(said, 'check pass; user unknown') THEN 'authentication.unknown'
    WHEN regexp_matches(said, '^requirement ".*" (?:not met|was met) by user ') THEN 'authentication.requirement'
    WHEN regexp_matches(said, '^(?:auth could not identify password for |conversation failed$|user .* (?:account locked|denied|tally \d+, deny \d+)|[Aa]ccess denied (?:for user|to) |User account has expired|account \S+ has expired|expired password for user |received for user \S+ \d|received for user \S+: \d+ \(|Consecutive login failures for user |Invalid verification code for )') THEN 'authentication.refused'
    WHEN regexp_matches(said, '^password(?: for ''.*'')? changed (?:for|by) ') THEN 'password_changed'
    WHEN regexp_matches(said, '^user .* does not exist in /etc/passwd$') THEN 'password_changed.unknown'
    WHEN program IN ('sshd', 'sshd-session', 'sshd-auth') THEN CASE
        WHEN regexp_matches(said, '^(?:Accepted|Failed|Postponed|Partial) \S+ for .* from ') THEN 'ssh_login'
        WHEN regexp_matches(said, '^(?:Invalid|Illegal) user ') THEN 'ssh_invalid_user'
        WHEN regexp_matches(said, '^input_userauth_request: (?:invalid|illegal) user') THEN 'ssh_invalid_user.request'
        WHEN regexp_matches(said, '^User .* not allowed because ') THEN 'ssh_login.refused'
        WHEN regexp_matches(said, '^(?:ROOT LOGIN REFUSED FROM )') THEN 'ssh_login.root'
        WHEN regexp_matches(said, '^(?:Authentication refused|Certificate invalid): ') THEN 'ssh_login.unfit'
        WHEN starts_with(said, 'Timeout before authentication for ') THEN 'ssh_login.timeout'
        WHEN regexp_matches(said, '^drop connection #\d+ from ') THEN 'ssh_refused.drop'
        WHEN starts_with(said, 'refused connect from ') THEN 'ssh_refused'
        WHEN regexp_matches(said, '^PAM: .* for .* from ') THEN 'ssh_login.pam'
        WHEN starts_with(said, 'maximum authentication attempts exceeded for ') THEN 'ssh_max_attempts'
        WHEN regexp_matches(said, '^PAM service\(\S+\) ignoring max retries') THEN 'ssh_max_attempts.pam'
        WHEN starts_with(said, 'Received disconnect from ') THEN 'ssh_disconnect'
        WHEN starts_with(said, 'Disconnected from ') THEN 'ssh_disconnect.from'
        WHEN regexp_matches(said, '^Connection (?:closed|reset) by ') THEN 'ssh_disconnect.closed'
        WHEN regexp_matches(said, '^Disconnecting(?:: | )') THEN 'ssh_disconnect.server'
        WHEN regexp_matches(said, '^(?:Read from|Write to|Read error from|Timeout,|Connection|ssh_dispatch_run_fatal:).*(?:[Cc]onnection|[Tt]ime)') AND NOT starts_with(said, 'Connection from ') THEN 'ssh_disconnect.lost'
        WHEN starts_with(said, 'Connection from ') THEN 'ssh_connect'
        WHEN starts_with(said, 'Did not receive identification string from ') THEN 'ssh_no_identification'
        WHEN starts_with(said, 'Bad protocol version identification ') THEN 'ssh_bad_protocol'
        WHEN starts_with(said, 'banner exchange: ') OR starts_with(said, 'kex_exchange_identification: ') THEN 'ssh_bad_protocol.banner'
        WHEN starts_with(said, 'Unable to negotiate ') THEN 'ssh_negotiation_failed'
        WHEN starts_with(said, 'Starting session: ') THEN 'ssh_session_started'
        WHEN starts_with(said, 'Close session: ') THEN 'ssh_session_closed'
        WHEN starts_with(said, 'subsystem request for ') THEN 'ssh_subsystem'
        WHEN starts_with(said, 'Server listening on ') THEN 'ssh_listening'
        WHEN regexp_matches(said, '^Received (?:signal \d+|SIG[A-Z]+)') THEN 'ssh_stopped'
        WHEN starts_with(said, 'reverse mapping checking getaddrinfo for ') THEN 'ssh_reverse_mapping'
        WHEN regexp_matches(said, '^Address \S+ maps to ') THEN 'ssh_reverse_mapping.address' END
    WHEN program = 'sudo' THEN CASE
        WHEN regexp_matches(said, '^\s*\S.* : .*COMMAND=|^\s*\S.* : .*TTY=') THEN 'sudo'
        WHEN contains(said, ' : (command continued) ') THEN 'sudo.continued' END
    WHEN program = 'su' THEN CASE
        WHEN regexp_matches(said, '^(?:Successful|FAILED) su for .* by ') THEN 'su'
        WHEN regexp_matches(said, '^''?su \S+ failed for ') THEN 'su.failed'
        WHEN regexp_matches(said, '^[+-] \S+ .*:') THEN 'su.sign'
        WHEN regexp_matches(said, '^(?:FAILED SU )?\(to .*\) .* on ') THEN 'su.to'
        WHEN regexp_matches(said, '^(?:BAD SU )?\S+ to \S+ on ') THEN 'su.bsd' END
    WHEN program = 'dropbear' THEN CASE
        WHEN regexp_matches(said, '^(?:\w+ auth succeeded|Bad \S.* attempt) for ''') THEN 'ssh_login.dropbear'
        WHEN starts_with(said, 'Login attempt for nonexistent user') THEN 'ssh_invalid_user.dropbear'
        WHEN starts_with(said, 'Child connection from ') THEN 'ssh_connect.dropbear'
        WHEN regexp_matches(said, '^Exit ') THEN 'ssh_disconnect.dropbear' END
    WHEN program = 'doas' THEN CASE
        WHEN regexp_matches(said, '^\S+ ran command ') THEN 'doas'
        WHEN regexp_matches(said, '^(?:failed auth|command not permitted) for ') THEN 'doas.refused' END
    WHEN program = 'pkexec' AND regexp_matches(said, '^\S+: .*\[USER=') THEN 'pkexec'
    WHEN program = 'login' THEN CASE
        WHEN regexp_matches(said, '^FAILED LOGIN|^TOO MANY LOGIN TRIES') THEN 'login.failed'
        WHEN regexp_matches(said, '^\d+ LOGIN FAILURES? ') THEN 'login.failures'
        WHEN regexp_matches(said, '^(?:DIALUP |ROOT )?LOGIN |^login on \S+ as ') THEN 'login'
        WHEN starts_with(said, 'USER_PROCESS: ') THEN 'session_opened.terminal'
        WHEN starts_with(said, 'DEAD_PROCESS: ') THEN 'session_closed.terminal'
        WHEN starts_with(said, 'invalid password for ') THEN 'login.password' END
    WHEN program IN ('systemd-logind', 'elogind') THEN CASE
        WHEN regexp_matches(said, '^New session .* of user ') THEN 'session_opened.logind'
        WHEN starts_with(said, 'Removed session ') THEN 'session_closed.logind'
        WHEN regexp_matches(said, '^Session \S+ logged out') THEN 'session_logged_out' END
    WHEN program = 'polkitd' AND contains(said, 'uthenticat') AND contains(said, 'unix-user:') THEN 'polkit'
    WHEN regexp_matches(said, '^new user: |^new account added - account=') THEN 'user_added'
    WHEN starts_with(said, 'account deleted - account=') THEN 'user_deleted.account'
    WHEN starts_with(said, 'account added to group - ') THEN 'group_member_added.account'
    WHEN starts_with(said, 'password changed - account=') THEN 'password_changed.account'
    WHEN starts_with(said, 'new group added - group=') THEN 'group_added'
    WHEN regexp_matches(said, '^members of group \S+ set by \S+ to ') THEN 'group_changed.members'
    WHEN starts_with(said, 'failed adding user ') THEN 'user_added.failed'
    WHEN starts_with(said, 'new group: ') THEN 'group_added'
    WHEN starts_with(said, 'group added to ') THEN 'group_added.file'
    WHEN regexp_matches(said, '^add ''.*'' to (?:shadow )?group ') THEN 'group_member_added'
    WHEN regexp_matches(said, '^user \S+ added by \S+ to group ') THEN 'group_member_added.gpasswd'
    WHEN regexp_matches(said, '^delete ''.*'' from (?:shadow )?group ') THEN 'group_member_removed'
    WHEN regexp_matches(said, '^user \S+ removed by \S+ from group ') THEN 'group_member_removed.gpasswd'
    WHEN regexp_matches(said, '^(?:delete user|delete home of user|removed user) ') THEN 'user_deleted'
    WHEN regexp_matches(said, '^(?:removed (?:shadow )?group |group ''.*'' removed|remove(?:d)? group )') THEN 'group_deleted'
    WHEN starts_with(said, 'group changed in ') THEN 'group_changed'
    WHEN regexp_matches(said, '^(?:un)?lock user ''') THEN 'user_changed.lock'
    WHEN regexp_matches(said, '^changed? user ''') THEN 'user_changed'
    WHEN starts_with(said, 'changed password expiry for ') THEN 'password_expiry_changed'
    END;

-- who, from where, how, why, and what else, each empty where the rule does not have it
CREATE OR REPLACE MACRO syslog_facts(rule, said) AS
    (CASE rule
    WHEN 'ssh_login' THEN regexp_extract(said,
        '^\S+ (\S+) for (?:(?:invalid|illegal) user )?(.*) from (\S+)(?: port (\d+))?(?: ssh\d?)?(?:: (.*))?$', ['method', 'user', 'address', 'port', 'more'])
    WHEN 'ssh_invalid_user' THEN regexp_extract(said, '^\S+ user (.*) from (\S+)(?: port (\d+))?$', ['user', 'address', 'port'])
    WHEN 'ssh_invalid_user.request' THEN regexp_extract(said, ' user (.*)$', ['user'])
    WHEN 'ssh_login.refused' THEN regexp_extract(said, '^User (.*?)(?: from (\S+))? (not allowed because .*)$', ['user', 'address', 'reason'])
    WHEN 'ssh_login.unfit' THEN regexp_extract(said, '^(.*)$', ['reason'])
    WHEN 'ssh_login.timeout' THEN regexp_extract(said, '^(Timeout before authentication) for (?:connection from )?(\S+?),?(?: port (\d+))?(?: to (\S+?),.*)?$', ['reason', 'address', 'port', 'more'])
    WHEN 'ssh_refused.drop' THEN regexp_extract(said, '^drop connection #\d+ from \[([^\]]+)\]:(\d+) on (\S+) ?(.*)$', ['address', 'port', 'more', 'reason'])
    WHEN 'ssh_refused' THEN regexp_extract(said, '^(refused connect) from (\S+?)(?: \(([^)]*)\))?$', ['reason', 'more', 'address'])
    WHEN 'ssh_login.dropbear' THEN regexp_extract(said, '^(?:(\w+) auth succeeded|Bad (\S+).* attempt) for ''(.*?)''(.*) from (\S+):(\d+)$', ['method', 'reason', 'user', 'more', 'address', 'port'])
    WHEN 'ssh_invalid_user.dropbear' THEN regexp_extract(said, '^Login attempt for nonexistent user(?: ''(.*)'')? from (\S+):(\d+)$', ['user', 'address', 'port'])
    WHEN 'ssh_connect.dropbear' THEN regexp_extract(said, '^Child connection from (\S+):(\d+)$', ['address', 'port'])
    WHEN 'ssh_disconnect.dropbear' THEN regexp_extract(said, '^Exit (?:before auth|\((.*?)\))(?: from <(\S+):(\d+)>)?(?: \(user ''(.*?)''[^)]*\)|: \(user ''.*?''[^)]*\))?: (.*)$', ['user', 'address', 'port', 'more', 'reason'])
    WHEN 'authentication.pam' THEN regexp_extract(said, '^pam_authenticate: (.*)$', ['reason'])
    WHEN 'authentication.accepted' THEN regexp_extract(said, '^Accepted (\S+) for (\S+)$', ['method', 'user'])
    WHEN 'login.failures' THEN regexp_extract(said, '^(\d+ LOGIN FAILURES?)(?: ON (\S+?))?(?: FROM (\S+?))?(?:, (.*))?$', ['reason', 'method', 'address', 'user'])
    WHEN 'session_opened.terminal' THEN regexp_extract(said, '_PROCESS: \d+ (.*)$', ['method'])
    WHEN 'session_closed.terminal' THEN regexp_extract(said, '_PROCESS: \d+ (.*)$', ['method'])
    WHEN 'doas.refused' THEN regexp_extract(said, '^(failed auth|command not permitted) for ([^\s:]+)(?:: (.*))?$', ['reason', 'user', 'method'])
    WHEN 'user_deleted.account' THEN regexp_extract(said, 'account=([^,]*)', ['user'])
    WHEN 'password_changed.account' THEN regexp_extract(said, 'account=([^,]*)', ['user'])
    WHEN 'group_member_added.account' THEN regexp_extract(said, 'account=([^,]*), group=([^,]*)', ['user', 'more'])
    WHEN 'group_changed.members' THEN regexp_extract(said, '^members of group (\S+) set by (\S+) to (.*)$', ['more', 'method', 'reason'])
    WHEN 'ssh_login.root' THEN regexp_extract(said, '^(ROOT LOGIN REFUSED) FROM (\S+)(?: port (\d+))?', ['reason', 'address', 'port'])
    WHEN 'ssh_login.pam' THEN regexp_extract(said, '^PAM: (.*) for (?:(?:invalid|illegal) user )?(.*) from (\S+)(?: via (\S+))?$', ['reason', 'user', 'address', 'more'])
    WHEN 'ssh_max_attempts' THEN regexp_extract(said, '^(.*) for (?:(?:invalid|illegal) user )?(.*) from (\S+)(?: port (\d+))?', ['reason', 'user', 'address', 'port'])
    WHEN 'ssh_max_attempts.pam' THEN regexp_extract(said, '^PAM service\((\S+)\) (.*)$', ['more', 'reason'])
    WHEN 'ssh_disconnect' THEN regexp_extract(said, '^Received disconnect from (\S+)(?: port (\d+))?: ?(\d+): ?(.*)$', ['address', 'port', 'more', 'reason'])
    WHEN 'ssh_disconnect.from' THEN regexp_extract(said, '^Disconnected from (?:(?:(?:invalid|authenticating) )?user (.*?) )?(\S+)(?: port (\d+))?$', ['user', 'address', 'port'])
    WHEN 'ssh_disconnect.closed' THEN regexp_extract(said, '^(Connection reset)?(?:Connection closed)? by (?:UNKNOWN port \d+$|(?:(?:invalid|authenticating) )?user (.*?) )?(?:(\S+)(?: port (\d+))?)?$', ['reason', 'user', 'address', 'port'])
    WHEN 'ssh_disconnect.server' THEN regexp_extract(said, '^Disconnecting(?: (?:(?:invalid|authenticating) user (.*) )?(\S+) port (\d+))?: (.*)$', ['user', 'address', 'port', 'reason'])
    WHEN 'ssh_disconnect.lost' THEN regexp_extract(said, '^(.*?(?:(?:from|with|to|host) (?:user \S+ )?([\d.]+|[0-9a-fA-F:]+:[0-9a-fA-F:.]*[0-9a-fA-F])(?: port (\d+))?\b)?.*)$', ['reason', 'address', 'port'])
    WHEN 'ssh_connect' THEN regexp_extract(said, '^Connection from (\S+) port (\d+)(?: on (\S+ port \d+))?', ['address', 'port', 'more'])
    WHEN 'ssh_no_identification' THEN regexp_extract(said, '^.*? from (\S+?)(?: port (\d+))?(?:: (.*))?$', ['address', 'port', 'reason'])
    WHEN 'ssh_bad_protocol' THEN regexp_extract(said, '^(Bad protocol version identification ''.*'') from (\S+)(?: port (\d+))?', ['reason', 'address', 'port'])
    WHEN 'ssh_bad_protocol.banner' THEN regexp_extract(said, '^\w+(?: \w+)?: (?:Connection from (\S+) port (\d+): )?(.*)$', ['address', 'port', 'reason'])
    WHEN 'ssh_negotiation_failed' THEN regexp_extract(said, '^Unable to negotiate (?:with (\S+?)(?: port (\d+))?: )?(.*)$', ['address', 'port', 'reason'])
    WHEN 'ssh_session_started' THEN regexp_extract(said, '^Starting session: (.*) for (\S+) from (\S+) port (\d+)', ['more', 'user', 'address', 'port'])
    WHEN 'ssh_session_closed' THEN regexp_extract(said, '^Close session: user (\S+) from (\S+) port (\d+)', ['user', 'address', 'port'])
    WHEN 'ssh_subsystem' THEN regexp_extract(said, '^subsystem request for (\S+)(?: by user (.*))?$', ['more', 'user'])
    WHEN 'ssh_listening' THEN regexp_extract(said, '^Server listening on (\S+) port (\d+)', ['more', 'method'])
    WHEN 'ssh_stopped' THEN regexp_extract(said, '^Received (.*)$', ['reason'])
    WHEN 'ssh_reverse_mapping' THEN regexp_extract(said, '^(.* for (\S+) \[(\S+)\] failed.*)$', ['reason', 'more', 'address'])
    WHEN 'ssh_reverse_mapping.address' THEN regexp_extract(said, '^(Address (\S+) maps to (\S+), .*)$', ['reason', 'address', 'more'])
    WHEN 'session_opened' THEN regexp_extract(said, '^session opened for user "?(.*?)"?(?:\(uid=\d+\))?(?: by (.*))?$', ['user', 'more'])
    WHEN 'session_closed' THEN regexp_extract(said, '^session closed for user "?(.*?)"?$', ['user'])
    WHEN 'session_opened.logind' THEN regexp_extract(said, '^New session ''?(\S+?)''? of user ''?(.*?)''?(?: with class .*)?\.?$', ['more', 'user'])
    WHEN 'session_closed.logind' THEN regexp_extract(said, '^Removed session ''?(\S+?)''?\.?$', ['more'])
    WHEN 'session_logged_out' THEN regexp_extract(said, '^Session ''?(\S+?)''? logged out', ['more'])
    WHEN 'authentication' THEN regexp_extract(said, '(?:rhost=(\S+))?(?:\s+user=(.*))?$', ['address', 'user'])
    WHEN 'authentication.unknown' THEN regexp_extract(said, '(user unknown)', ['reason'])
    WHEN 'authentication.requirement' THEN regexp_extract(said, '^(.*) by user "?(.*?)"?$', ['reason', 'user'])
    WHEN 'authentication.refused' THEN regexp_extract(said, '^(.*?(?:\[([^\]]*)\]|(?:user|account|[Aa]ccess denied to|code for) [`'']?"?([^\s:`''"]+)(?:.* from [`'']([^`'']+)''$|.*))?)$', ['reason', 'user', 'more', 'address'])
    WHEN 'password_changed' THEN regexp_extract(said, '^password(?: for ''(.*)'')? changed (?:for (.*)|by ''?(.*?)''?)$', ['user', 'method', 'more'])
    WHEN 'password_changed.unknown' THEN regexp_extract(said, '^user "?(.*?)"? (does not exist in /etc/passwd)$', ['user', 'reason'])
    WHEN 'sudo' THEN regexp_extract(said, '^\s*(.*?) : (?:(.*?) ; )?(?:(?:HOST|TTY)=.*)$', ['user', 'reason'])
    WHEN 'sudo.continued' THEN regexp_extract(said, '^\s*(.*?) : \(command continued\) (.*)$', ['user', 'more'])
    WHEN 'su' THEN regexp_extract(said, '^\S+ su for (.*) by (.*)$', ['more', 'user'])
    WHEN 'su.failed' THEN regexp_extract(said, '^''?su (\S+?)''? failed for (\S+)(?: on (\S+))?', ['more', 'user', 'method'])
    WHEN 'su.sign' THEN regexp_extract(said, '^[+-] (\S+) (.*?)[:-](.*)$', ['method', 'user', 'more'])
    WHEN 'su.to' THEN regexp_extract(said, '\(to (.*)\) (.*) on (.*)$', ['more', 'user', 'method'])
    WHEN 'su.bsd' THEN regexp_extract(said, '(\S+) to (\S+) on (\S+)$', ['user', 'more', 'method'])
    WHEN 'doas' THEN regexp_extract(said, '^(\S+) ran command (.*?)(?: as (\S+) from .*)?$', ['user', 'method', 'more'])
    WHEN 'pkexec' THEN regexp_extract(said, '^(\S+): (.*?) \[', ['user', 'reason'])
    WHEN 'login' THEN regexp_extract(said, '(?i:login)\s+(?:\((\S+)\) )?(?i:on) ''?([^\s'',]+)''?(?: (?:BY|as) (\S+))?(?: FROM (\S+))?', ['more', 'method', 'user', 'address'])
    WHEN 'login.failed' THEN regexp_extract(said, '^(?:FAILED LOGIN|TOO MANY LOGIN).*?(?i:(?: on ''?([^\s'']+)''?)?(?: from (\S+))? for) ''?([^'',]*)''?(?:, ?(.*))?$', ['method', 'address', 'user', 'reason'])
    WHEN 'login.password' THEN regexp_extract(said, '^(invalid password) for ''?(.*?)''?\s+on ''?([^\s'']+)''?(?: from ''?([^\s'']+))?', ['reason', 'user', 'method', 'address'])
    WHEN 'polkit' THEN regexp_extract(said, '(FAILED|successfully)? ?(?:to )?authenticated? as unix-user:(\S+) to gain (?:\S+ )*authorization for action (\S+)', ['reason', 'user', 'more'])
    WHEN 'user_added' THEN regexp_extract(said, '(?:name|account)=([^,]*)', ['user'])
    WHEN 'user_added.failed' THEN regexp_extract(said, '^failed adding user ''?([^'']*)''?,? ?(.*)$', ['user', 'reason'])
    WHEN 'group_member_added' THEN regexp_extract(said, '^add ''(.*)'' to (?:shadow )?group ''(.*)''', ['user', 'more'])
    WHEN 'group_member_removed' THEN regexp_extract(said, '^delete ''(.*)'' from (?:shadow )?group ''(.*)''', ['user', 'more'])
    WHEN 'group_member_added.gpasswd' THEN regexp_extract(said, '^user (\S+) added by (\S+) to group (\S+)$', ['user', 'method', 'more'])
    WHEN 'group_member_removed.gpasswd' THEN regexp_extract(said, '^user (\S+) removed by (\S+) from group (\S+)$', ['user', 'method', 'more'])
    WHEN 'user_deleted' THEN regexp_extract(said, 'user ''?([^'']*)''?', ['user'])
    WHEN 'group_deleted' THEN regexp_extract(said, 'group ''?([^'']*?)''?(?: removed.*| owned by ''?(.*?)''?)?$', ['more', 'user'])
    WHEN 'user_changed' THEN regexp_extract(said, 'user ''(.*?)'' (.*)$', ['user', 'more'])
    WHEN 'user_changed.lock' THEN regexp_extract(said, '^((?:un)?lock) user ''(.*?)''', ['more', 'user'])
    WHEN 'password_expiry_changed' THEN regexp_extract(said, ' for (.*)$', ['user'])
    END)::STRUCT("user" VARCHAR, address VARCHAR, port VARCHAR, "method" VARCHAR, reason VARCHAR, more VARCHAR);

CREATE OR REPLACE MACRO syslog_category(action) AS CASE
    WHEN action IN ('ssh_login', 'ssh_invalid_user', 'ssh_max_attempts', 'authentication', 'su', 'login', 'polkit') THEN 'authentication'
    WHEN action IN ('session_opened', 'session_closed', 'session_logged_out', 'ssh_session_started', 'ssh_session_closed', 'ssh_subsystem') THEN 'session'
    WHEN action IN ('sudo', 'doas', 'pkexec', 'ssh_stopped') THEN 'process'
    WHEN starts_with(action, 'ssh_') THEN 'network'
    WHEN action IS NOT NULL THEN 'iam' ELSE 'other' END;

CREATE OR REPLACE MACRO syslog_outcome(rule, said, facts) AS CASE
    WHEN rule = 'ssh_login' THEN CASE WHEN starts_with(said, 'Accepted') THEN 'success' WHEN starts_with(said, 'Failed') THEN 'failure' END
    WHEN rule IN ('su', 'su.to', 'su.bsd', 'su.sign') THEN CASE WHEN regexp_matches(said, '^(?:FAILED|BAD SU|- )') THEN 'failure' ELSE 'success' END
    WHEN rule = 'sudo' THEN CASE WHEN facts.reason <> '' THEN 'failure' ELSE 'success' END
    WHEN rule = 'pkexec' THEN CASE WHEN starts_with(facts.reason, 'Executing') THEN 'success' ELSE 'failure' END
    WHEN rule = 'polkit' THEN CASE WHEN facts.reason = 'FAILED' THEN 'failure' WHEN facts.reason = 'successfully' THEN 'success' END
    WHEN rule = 'authentication.requirement' THEN CASE WHEN contains(facts.reason, 'not met') THEN 'failure' ELSE 'success' END
    WHEN rule = 'authentication' THEN CASE WHEN contains(said, 'authentication success;') THEN 'success' ELSE 'failure' END
    WHEN rule = 'ssh_login.dropbear' THEN CASE WHEN starts_with(said, 'Bad ') THEN 'failure' ELSE 'success' END
    WHEN rule = 'authentication.pam' THEN CASE WHEN facts.reason = 'Success' THEN 'success' ELSE 'failure' END
    WHEN rule IN ('authentication.unknown', 'authentication.refused', 'password_changed.unknown', 'user_added.failed',
                  'ssh_invalid_user', 'ssh_invalid_user.request', 'ssh_login.refused', 'ssh_login.root', 'ssh_login.pam', 'ssh_max_attempts',
                  'ssh_no_identification', 'ssh_bad_protocol', 'ssh_bad_protocol.banner', 'ssh_negotiation_failed', 'login.failed', 'login.password',
                  'ssh_max_attempts.pam', 'su.failed', 'ssh_login.unfit', 'ssh_login.timeout', 'ssh_refused', 'ssh_refused.drop', 'ssh_invalid_user.dropbear', 'login.failures', 'doas.refused', 'ssh_reverse_mapping', 'ssh_reverse_mapping.address') THEN 'failure'
    WHEN rule IN ('login', 'doas', 'session_opened', 'session_closed', 'session_opened.logind', 'session_closed.logind', 'ssh_session_started',
                  'password_changed', 'password_expiry_changed', 'user_added', 'user_changed', 'user_changed.lock', 'user_deleted', 'group_added', 'group_added.file',
                  'group_changed', 'group_deleted', 'group_member_added', 'group_member_added.gpasswd', 'group_member_removed', 'group_member_removed.gpasswd',
                  'authentication.accepted', 'session_opened.terminal', 'session_closed.terminal', 'user_deleted.account', 'password_changed.account', 'group_member_added.account', 'group_changed.members')
    THEN 'success' END;

-- what the rule knows beyond the columns
CREATE OR REPLACE MACRO syslog_details(rule, said, facts) AS
    list_concat(
        [{'key': 'invalid_user', 'value': CASE WHEN rule IN ('ssh_login', 'ssh_max_attempts', 'ssh_disconnect.from', 'ssh_disconnect.closed', 'ssh_disconnect.server', 'ssh_login.pam')
              AND regexp_matches(said, ' (?:invalid|illegal) user ') THEN 'true' END}],
        CASE rule
        WHEN 'ssh_login' THEN [{'key': 'key_type', 'value': regexp_extract(facts.more, '^([A-Z][\w-]*)', 1)},
            {'key': 'fingerprint', 'value': regexp_extract(facts.more, '((?:SHA256|MD5):\S+|(?:[0-9a-f]{2}:){15}[0-9a-f]{2})', 1)},
            {'key': 'method_detail', 'value': CASE WHEN NOT regexp_matches(facts.more, '^[A-Z][\w-]* (?:SHA256:|MD5:|[0-9a-f]{2}:)\S+$') THEN facts.more END}]
        WHEN 'ssh_disconnect' THEN [{'key': 'disconnect_code', 'value': facts.more}]
        WHEN 'ssh_connect' THEN [{'key': 'server_address', 'value': split_part(facts.more, ' port ', 1)}, {'key': 'server_port', 'value': split_part(facts.more, ' port ', 2)}]
        WHEN 'ssh_login.timeout' THEN [{'key': 'server_address', 'value': facts.more}]
        WHEN 'ssh_refused.drop' THEN [{'key': 'server_address', 'value': regexp_extract(facts.more, '\[([^\]]*)\]', 1)}, {'key': 'server_port', 'value': regexp_extract(facts.more, '\]:(\d+)', 1)}]
        WHEN 'ssh_refused' THEN [{'key': 'client_name', 'value': facts.more}]
        WHEN 'ssh_login.dropbear' THEN [{'key': 'key_type', 'value': regexp_extract(facts.more, ' with (\S+) key', 1)}, {'key': 'fingerprint', 'value': regexp_extract(facts.more, '((?:SHA256:|MD5:|sha1!! |md5 )\S+)', 1)}]
        WHEN 'login.failures' THEN [{'key': 'tty', 'value': facts."method"}]
        WHEN 'session_opened.terminal' THEN [{'key': 'tty', 'value': facts."method"}]
        WHEN 'session_closed.terminal' THEN [{'key': 'tty', 'value': facts."method"}]
        WHEN 'doas.refused' THEN [{'key': 'command', 'value': facts."method"}]
        WHEN 'group_member_added.account' THEN [{'key': 'group', 'value': facts.more}]
        WHEN 'group_changed.members' THEN [{'key': 'group', 'value': facts.more}, {'key': 'by_user', 'value': facts."method"}, {'key': 'change', 'value': facts.reason}]
        WHEN 'ssh_listening' THEN [{'key': 'server_address', 'value': facts.more}, {'key': 'server_port', 'value': facts."method"}]
        WHEN 'ssh_subsystem' THEN [{'key': 'subsystem', 'value': facts.more}]
        WHEN 'ssh_session_started' THEN [{'key': 'session_kind', 'value': regexp_extract(facts.more, '^(\S+)', 1)}, {'key': 'tty', 'value': regexp_extract(facts.more, ' on (\S+)', 1)}]
        WHEN 'ssh_reverse_mapping' THEN [{'key': 'client_name', 'value': facts.more}]
        WHEN 'ssh_reverse_mapping.address' THEN [{'key': 'client_name', 'value': facts.more}]
        WHEN 'session_opened' THEN [{'key': 'uid', 'value': regexp_extract(said, ' for user [^ (]*\(uid=(\d+)\)', 1)},
            {'key': 'by_user', 'value': regexp_extract(facts.more, '^([^(]*)', 1)}, {'key': 'by_uid', 'value': regexp_extract(facts.more, '\(uid=(\d+)\)', 1)}]
        WHEN 'session_opened.logind' THEN [{'key': 'session', 'value': facts.more}]
        WHEN 'session_closed.logind' THEN [{'key': 'session', 'value': facts.more}]
        WHEN 'session_logged_out' THEN [{'key': 'session', 'value': facts.more}]
        WHEN 'authentication' THEN [{'key': 'logname', 'value': regexp_extract(said, 'logname=(\S+)', 1)}, {'key': 'uid', 'value': regexp_extract(said, '\buid=(\d+)', 1)},
            {'key': 'euid', 'value': regexp_extract(said, 'euid=(\d+)', 1)}, {'key': 'tty', 'value': regexp_extract(said, 'tty=(\S+)', 1)},
            {'key': 'ruser', 'value': regexp_extract(said, 'ruser=(\S+)', 1)}, {'key': 'failures', 'value': regexp_extract(said, '^PAM (\d+) more', 1)}]
        WHEN 'password_changed' THEN [{'key': 'by_user', 'value': facts.more}]
        WHEN 'sudo' THEN [{'key': 'tty', 'value': regexp_extract(said, 'TTY=(.*?) ; ', 1)}, {'key': 'pwd', 'value': regexp_extract(said, ' PWD=(.*?) ; (?:USER|COMMAND|CHROOT)=', 1)},
            {'key': 'chroot', 'value': regexp_extract(said, ' CHROOT=(.*?) ; ', 1)}, {'key': 'host', 'value': regexp_extract(said, ' HOST=(.*?) ; ', 1)},
            {'key': 'target_user', 'value': regexp_extract(said, ' USER=(.*?) ; ', 1)}, {'key': 'target_group', 'value': regexp_extract(said, ' GROUP=(.*?) ; ', 1)},
            {'key': 'tsid', 'value': regexp_extract(said, ' TSID=(.*?) ; ', 1)}, {'key': 'env', 'value': regexp_extract(said, ' ENV=(.*?) ; COMMAND=', 1)},
            {'key': 'command', 'value': regexp_extract(said, '(?s) COMMAND=(.*)$', 1)}]
        WHEN 'sudo.continued' THEN [{'key': 'command', 'value': facts.more}]
        WHEN 'su' THEN [{'key': 'target_user', 'value': facts.more}]
        WHEN 'su.failed' THEN [{'key': 'target_user', 'value': facts.more}, {'key': 'tty', 'value': facts."method"}]
        WHEN 'su.sign' THEN [{'key': 'target_user', 'value': facts.more}, {'key': 'tty', 'value': facts."method"}]
        WHEN 'su.to' THEN [{'key': 'target_user', 'value': facts.more}, {'key': 'tty', 'value': facts."method"}]
        WHEN 'su.bsd' THEN [{'key': 'target_user', 'value': facts.more}, {'key': 'tty', 'value': facts."method"}]
        WHEN 'doas' THEN [{'key': 'command', 'value': facts."method"}, {'key': 'target_user', 'value': facts.more}, {'key': 'pwd', 'value': regexp_extract(said, ' as \S+ from (.*)$', 1)}]
        WHEN 'pkexec' THEN [{'key': 'target_user', 'value': regexp_extract(said, '\[USER=([^\]]*)\]', 1)}, {'key': 'tty', 'value': regexp_extract(said, '\[TTY=([^\]]*)\]', 1)},
            {'key': 'pwd', 'value': regexp_extract(said, '\[CWD=([^\]]*)\]', 1)}, {'key': 'command', 'value': regexp_extract(said, '\[COMMAND=(.*)\]$', 1)}]
        WHEN 'login' THEN [{'key': 'tty', 'value': facts."method"}]
        WHEN 'login.failed' THEN [{'key': 'tty', 'value': facts."method"}, {'key': 'attempt', 'value': regexp_extract(said, '^FAILED LOGIN \((\d+)\)', 1)}]
        WHEN 'login.password' THEN [{'key': 'tty', 'value': facts."method"}]
        WHEN 'polkit' THEN [{'key': 'polkit_action', 'value': facts.more}, {'key': 'operator', 'value': regexp_extract(said, 'Operator of (\S+)', 1)}]
        WHEN 'user_added' THEN [{'key': 'uid', 'value': regexp_extract(said, '(?i)\buid=(\d+)', 1)}, {'key': 'gid', 'value': regexp_extract(said, '(?i)\bgid=(\d+)', 1)},
            {'key': 'home', 'value': regexp_extract(said, 'home=([^,]*)', 1)}, {'key': 'shell', 'value': regexp_extract(said, 'shell=([^,]*)', 1)},
            {'key': 'from', 'value': regexp_extract(said, 'from=([^,]*)', 1)}]
        WHEN 'group_added' THEN [{'key': 'group', 'value': regexp_extract(said, '(?:name|group)=([^,]*)', 1)}, {'key': 'gid', 'value': regexp_extract(said, '(?i)\bgid=(\d+)', 1)}]
        WHEN 'group_added.file' THEN [{'key': 'group', 'value': regexp_extract(said, 'name=([^,]*)', 1)}, {'key': 'gid', 'value': regexp_extract(said, 'GID=(\d+)', 1)},
            {'key': 'file', 'value': regexp_extract(said, '^group added to ([^:]*)', 1)}]
        WHEN 'group_changed' THEN [{'key': 'file', 'value': regexp_extract(said, '^group changed in (\S+)', 1)}, {'key': 'group', 'value': regexp_extract(said, '\(group ([^/,)]*)', 1)},
            {'key': 'gid', 'value': regexp_extract(said, '\(group [^/,)]*/(\d+)', 1)}, {'key': 'change', 'value': regexp_extract(said, '\(group [^,)]*, (.*)\)$', 1)}]
        WHEN 'group_member_added' THEN [{'key': 'group', 'value': facts.more}]
        WHEN 'group_member_removed' THEN [{'key': 'group', 'value': facts.more}]
        WHEN 'group_member_added.gpasswd' THEN [{'key': 'group', 'value': facts.more}, {'key': 'by_user', 'value': facts."method"}]
        WHEN 'group_member_removed.gpasswd' THEN [{'key': 'group', 'value': facts.more}, {'key': 'by_user', 'value': facts."method"}]
        WHEN 'group_deleted' THEN [{'key': 'group', 'value': facts.more}]
        WHEN 'user_changed' THEN [{'key': 'change', 'value': facts.more}]
        WHEN 'user_changed.lock' THEN [{'key': 'change', 'value': facts.more}]
        END);

CREATE OR REPLACE MACRO syslog_reason(rule, said, facts) AS CASE
    WHEN rule IS NULL THEN NULL
    WHEN rule = 'ssh_login' THEN CASE WHEN regexp_matches(said, '^Failed \S+ for (?:invalid|illegal) user ') THEN 'invalid user'
                                      WHEN starts_with(said, 'P') THEN regexp_extract(said, '^(\w+)', 1) END
    WHEN rule IN ('ssh_invalid_user', 'ssh_invalid_user.request') THEN 'invalid user'
    WHEN rule IN ('pkexec', 'polkit') AND facts.reason IN ('Executing command', 'successfully', 'FAILED') THEN NULL
    WHEN rule = 'ssh_invalid_user.dropbear' THEN 'invalid user'
    WHEN rule = 'ssh_login.dropbear' THEN CASE WHEN starts_with(said, 'Bad ') THEN regexp_extract(said, '^(Bad .*? attempt)', 1) END
    WHEN rule IN ('login.failures', 'group_changed.members') THEN NULL
    ELSE nullif(facts.reason, '') END;

CREATE OR REPLACE MACRO syslog_user(rule, said, facts) AS coalesce(nullif(facts."user", ''), CASE rule
    WHEN 'password_changed' THEN nullif(facts."method", '')
    WHEN 'authentication.refused' THEN nullif(facts.more, '')
    WHEN 'ssh_disconnect.dropbear' THEN nullif(coalesce(nullif(facts.more, ''), regexp_extract(said, '\(user ''(.*?)''', 1)), '')
    WHEN 'ssh_disconnect.server' THEN nullif(regexp_extract(facts.reason, ' for (?:invalid user )?(\S+)$', 1), '')
    WHEN 'login' THEN CASE WHEN starts_with(said, 'ROOT LOGIN') THEN coalesce(nullif(facts.more, ''), 'root') END
    WHEN 'ssh_login.root' THEN 'root' END);

CREATE OR REPLACE MACRO syslog_port(facts) AS CASE WHEN length(facts.port) <= 5 THEN try_cast(facts.port AS INTEGER) END;

CREATE OR REPLACE MACRO syslog_auth_method(rule, facts) AS CASE rule WHEN 'ssh_login' THEN nullif(facts."method", '') WHEN 'ssh_login.pam' THEN 'pam'
    WHEN 'authentication.accepted' THEN nullif(facts."method", '')
    WHEN 'ssh_login.dropbear' THEN CASE lower(coalesce(nullif(facts."method", ''), facts.reason)) WHEN 'pubkey' THEN 'publickey' ELSE lower(coalesce(nullif(facts."method", ''), facts.reason)) END END;

-- entries whose value is not empty; their keys must differ
CREATE OR REPLACE MACRO syslog_attributes(entries) AS
    map_from_entries(list_filter(entries, lambda entry: entry.value <> ''))::MAP(VARCHAR, VARCHAR);

-- the module of PAM that speaks, and for which service: pam_unix(sshd:auth)
CREATE OR REPLACE MACRO syslog_pam(tag, message) AS regexp_extract(
    CASE WHEN contains(tag, '(pam_') THEN regexp_replace(tag, '^(.*)\((pam_\w+)\)$', '\2(\1)') ELSE message END,
    '^(?:message repeated \d+ times: \[ ?)?(pam_[a-z0-9_]+)\(([^)]*)\)', ['module', 'service']);

-- the fields of an audit record: a value may be in quotes or of several words (op=adding group to /etc/group id=1004)
CREATE OR REPLACE MACRO audit_fields(text) AS
    list_transform(
        list_filter(string_split(array_to_string(list_transform(
            regexp_extract_all(text, '[A-Za-z_][\w-]*="[^"]*"|[A-Za-z_][\w-]*=\{[^}]*\}|\S+'),
            lambda token: CASE WHEN regexp_matches(token, '^[A-Za-z_][\w-]*=') THEN chr(31) || token ELSE ' ' || token END), ''), chr(31)),
            lambda field: regexp_matches(field, '^[A-Za-z_][\w-]*=')),
        lambda field: {'key': replace(lower(split_part(field, '=', 1)), '-', '_'), 'value': trim(field[instr(field, '=') + 1:])});

-- fields that auditd writes as hexadecimal where they hold a space, a quote or bytes that cannot be printed
CREATE OR REPLACE MACRO audit_is_encoded(type, key) AS
    key IN ('acct', 'cmd', 'comm', 'cwd', 'data', 'dir', 'exe', 'file', 'grp', 'new_group', 'name', 'key', 'ocomm', 'path', 'proctitle', 'root_dir', 'sw', 'vm',
            'watch', 'device', 'cgroup', 'invalid_context', 'new_chardev', 'new_disk', 'new_fs', 'new_net', 'old_chardev', 'old_disk', 'old_fs', 'old_net', 'new_rng', 'old_rng')
    OR (type = 'EXECVE' AND regexp_matches(key, '^a\d+(?:\[\d+\])?$'));

-- NULL for ? and (null); arguments of a process title stand apart by a space
CREATE OR REPLACE MACRO audit_value(type, key, value) AS
    CASE WHEN value IN ('', '?', '(null)', '"?"', '""', '"(null)"') THEN NULL
         WHEN value[1] = '"' THEN regexp_replace(value, '^"(.*?)"?$', '\1')
         WHEN audit_is_encoded(type, key) AND length(value) % 2 = 0 AND regexp_full_match(value, '[0-9A-F]+')
         THEN coalesce(TRY(rtrim(replace(decode(unhex(value)), chr(0), ' '), ' ')), value)
         ELSE value END;

CREATE OR REPLACE MACRO audit_field(fields, key) AS list_filter(fields, lambda field: field.key = key)[1].value;

-- the peer of a socket address: family 2, port, IPv4 address; family 10, port, flow, IPv6 address
CREATE OR REPLACE MACRO audit_inet_address(saddr) AS
    CASE WHEN regexp_full_match(saddr, '0200[0-9A-Fa-f]{12,}')
         THEN concat_ws('.', ('0x' || saddr[9:10])::INTEGER, ('0x' || saddr[11:12])::INTEGER, ('0x' || saddr[13:14])::INTEGER, ('0x' || saddr[15:16])::INTEGER)
         WHEN regexp_full_match(saddr, '0[Aa]00[0-9A-Fa-f]{44,}')
         THEN array_to_string(list_transform(regexp_extract_all(lower(saddr[17:48]), '.{4}'), lambda part: coalesce(nullif(ltrim(part, '0'), ''), '0')), ':') END;

CREATE OR REPLACE MACRO audit_inet_port(saddr) AS
    CASE WHEN regexp_full_match(saddr, '0(?:200[0-9A-Fa-f]{12,}|[Aa]00[0-9A-Fa-f]{44,})') THEN ('0x' || saddr[5:8])::INTEGER::VARCHAR END;

CREATE OR REPLACE MACRO audit_category(type) AS CASE
    WHEN type IN ('USER_START', 'USER_END', 'USER_LOGOUT') THEN 'session'
    WHEN type IN ('LOGIN', 'USER_AUTH', 'USER_ACCT', 'USER_LOGIN', 'USER_ERR', 'GRP_AUTH', 'CHUSER_ID', 'RESP_ACCT_LOCK', 'ANOM_ROOT_TRANS')
         OR starts_with(type, 'CRED_') OR starts_with(type, 'ANOM_LOGIN_') THEN 'authentication'
    WHEN regexp_full_match(type, '(?:ADD|DEL)_(?:USER|GROUP)|(?:USER|GRP|ACCT|ROLE)_(?:MGMT|CHAUTHTOK|LOCK|UNLOCK|ASSIGN|REMOVE|MODIFY)|CHGRP_ID|ANOM_(?:ADD|DEL|MOD)_ACCT') THEN 'iam'
    WHEN type IN ('SYSCALL', 'EXECVE', 'PROCTITLE', 'CWD', 'USER_CMD', 'TTY', 'USER_TTY', 'SERVICE_START', 'SERVICE_STOP', 'DAEMON_START', 'DAEMON_END', 'DAEMON_ABORT',
                  'ANOM_ABEND', 'ANOM_EXEC', 'SECCOMP', 'OBJ_PID', 'BPRM_FCAPS', 'CAPSET', 'BPF') THEN 'process'
    WHEN type IN ('SOCKADDR', 'SOCKETCALL', 'ANOM_PROMISCUOUS', 'NETFILTER_PKT') OR starts_with(type, 'CRYPTO_') OR starts_with(type, 'MAC_IPSEC') OR starts_with(type, 'MAC_UNLBL') THEN 'network'
    WHEN type IN ('CONFIG_CHANGE', 'USYS_CONFIG', 'DAEMON_CONFIG', 'NETFILTER_CFG', 'KERN_MODULE', 'SOFTWARE_UPDATE', 'SYSTEM_BOOT', 'SYSTEM_SHUTDOWN', 'SYSTEM_RUNLEVEL', 'FEATURE_CHANGE', 'TIME_ADJNTPVAL', 'TIME_INJOFFSET')
         OR starts_with(type, 'MAC_') OR starts_with(type, 'USER_MAC_') THEN 'configuration'
    ELSE 'other' END;
