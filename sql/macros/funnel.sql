-- title: the way of a session through a finite state machine
-- the state to begin with and that after each event; machine has for each state and event the number of the next state, 0 where
-- there is none: then the state stays
CREATE OR REPLACE MACRO funnel_path(first_state, listed) AS
    list_reduce(list_prepend([first_state::TINYINT], list_transform(listed, lambda one: [one.event])), lambda path, next:
        list_append(path, coalesce(nullif(getvariable('machine')[(path[-1]::INTEGER - 1) * len(getvariable('events')) + next[1]], 0), path[-1])::TINYINT));
