-- Orders and their menu.

CREATE TABLE coffees (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    price_cents bigint NOT NULL CHECK (price_cents > 0),
    -- Two orders for the last one: the second one's flight fails here, whole.
    stock bigint NOT NULL CHECK (stock >= 0)
);

CREATE TABLE orders (
    id uuid PRIMARY KEY,
    -- No foreign key to users: services share a database, not their tables.
    uid uuid NOT NULL,
    status text NOT NULL DEFAULT 'placed' CHECK (status IN ('placed', 'preparing', 'ready', 'collected', 'cancelled')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_uid_id_idx ON orders (uid, id);

CREATE TABLE order_lines (
    order_id uuid REFERENCES orders (id),
    coffee_id uuid REFERENCES coffees (id),
    quantity bigint NOT NULL CHECK (quantity > 0),
    -- Of one, at that time.
    price_cents bigint NOT NULL,
    PRIMARY KEY (order_id, coffee_id)
);

INSERT INTO coffees (id, name, price_cents, stock) VALUES
    ('01990000-0000-7000-8000-000000000001', 'Espresso', 220, 100),
    ('01990000-0000-7000-8000-000000000002', 'Cappuccino', 340, 100),
    ('01990000-0000-7000-8000-000000000003', 'Flat white', 380, 100);
